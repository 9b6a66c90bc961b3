import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { callIdFromInteger, callIdToInteger, encodeCallId, ID_EPOCH_MS, integerAtTime } from './id.ts'

const parts = fc.tuple(fc.integer({ min: 0, max: 2 ** 41 - 1 }), fc.integer({ min: 0, max: 2 ** 22 - 1 }))

describe('an id', () => {
  it('is the same after a way through its integer', () => {
    fc.assert(
      fc.property(parts, ([since, low]) => {
        const id = encodeCallId(since, low)
        expect(id).toMatch(/^pen_[0-9a-z]{14}$/)
        expect(callIdFromInteger(callIdToInteger(id)!)).toBe(id)
      }),
    )
  })

  it('sorts as text, as an integer and by time alike', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const [first, second] = [encodeCallId(...a), encodeCallId(...b)]
        const byInteger = callIdToInteger(first)! < callIdToInteger(second)!
        expect(first < second).toBe(byInteger)
        if (a[0] !== b[0]) expect(byInteger).toBe(a[0] < b[0])
      }),
    )
  })

  it('is found by the time at which it was made', () => {
    fc.assert(
      fc.property(parts, ([since, low]) => {
        const value = callIdToInteger(encodeCallId(since, low))!
        expect(value >= integerAtTime(ID_EPOCH_MS + since)).toBe(true)
        expect(value < integerAtTime(ID_EPOCH_MS + since + 1)).toBe(true)
      }),
    )
  })

  it.each([
    '',
    'pen_',
    'pen_nothing',
    'pen_00000000000000x',
    'pen_zzzzzzzzzzzzzz',
    "pen_0000000000000'",
    'PEN_00000000000000',
  ])('is not %j', text => {
    expect(callIdToInteger(text)).toBeNull()
  })
})
