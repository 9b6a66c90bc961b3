import { describe, expect, it } from 'vitest'
import { readProps, readSlots, withSlots } from './slots.ts'

const LOAD = { running: 2, waiting: 1, kvUse: null, kvTokens: null, maxRunning: null }

describe('slots of llama.cpp', () => {
  it('are counted with what is taken and what their contexts hold', () =>
    expect(
      readSlots('[{"id":0,"n_ctx":8192,"is_processing":true},{"id":1,"n_ctx":8192,"is_processing":false}]'),
    ).toEqual({ count: 2, taken: 1, tokens: 16_384 }))

  it('are understood from older versions', () =>
    expect(readSlots('[{"id":0,"n_ctx":4096,"state":1},{"id":1,"n_ctx":4096,"state":0}]')).toEqual({
      count: 2,
      taken: 1,
      tokens: 8_192,
    }))

  it('may leave out what is taken and what they hold', () =>
    expect(readSlots('[{"id":0}]')).toEqual({ count: 1, taken: null, tokens: null }))

  it('are known from the properties of the server', () => {
    expect(readProps('{"total_slots":4,"default_generation_settings":{"n_ctx":2048}}')).toEqual({
      count: 4,
      taken: null,
      tokens: 8_192,
    })
    expect(readProps('{"total_slots":4}')).toEqual({ count: 4, taken: null, tokens: null })
  })

  it.each([
    '',
    '{',
    'null',
    '[]',
    '[1]',
    '{"error":"slots are off"}',
    '"slots"',
    '{"total_slots":"4"}',
    '{"total_slots":-1}',
  ])('are not found in %j', text => expect([readSlots(text), readProps(text)]).toEqual([null, null]))
})

describe('slots beside metrics', () => {
  it('say only what the metrics do not', () => {
    const slots = { count: 4, taken: 3, tokens: 8_192 }
    expect(withSlots(LOAD, slots)).toEqual({ running: 2, waiting: 1, kvUse: null, kvTokens: 8_192, maxRunning: 4 })
    expect(withSlots(null, slots)).toEqual({ running: 3, waiting: null, kvUse: null, kvTokens: 8_192, maxRunning: 4 })
    expect([withSlots(LOAD, null), withSlots(null, null)]).toEqual([LOAD, null])
  })
})
