import { describe, expect, it } from 'vitest'
import { requestOf } from '../simulated/serve.fixture.ts'
import type { Fault } from './plan.ts'
import { ask, faultOf, listen, stage } from './stage.fixture.ts'

describe('a plan', () => {
  /** Which of so many calls a plan strikes, one after the other. */
  function struck(faults: readonly Fault[], calls: number, { seed = 7, replica = 0, everyMs = 0 } = {}): string {
    const { engine, clock } = stage(faults, seed)
    return Array.from({ length: calls }, () => {
      const heard = listen(engine, clock, { ...ask('chat/completions', false), replica })
      clock.pass(everyMs)
      heard.handle.abort()
      return heard.end === 'unreachable' ? 'x' : heard.status === 503 ? '5' : '.'
    }).join('')
  }

  it('strikes its share of the calls, the same ones for the same seed', () => {
    const faults = [faultOf('refuse', { share: 0.2 })]
    const first = struck(faults, 1000)
    expect(struck(faults, 1000)).toBe(first)
    expect(struck(faults, 1000, { seed: 8 })).not.toBe(first)
    expect(first.replaceAll('.', '').length / 1000).toBeCloseTo(0.2, 1)
  })

  it('begins, ends and comes back when it is told to', () => {
    expect(struck([faultOf('refuse', { afterMs: 300 })], 8, { everyMs: 100 })).toBe('...xxxxx')
    expect(struck([faultOf('refuse', { afterMs: 200, forMs: 300 })], 8, { everyMs: 100 })).toBe('..xxx...')
    const again = faultOf('refuse', { afterMs: 100, forMs: 200, everyMs: 400 })
    expect(struck([again], 10, { everyMs: 100 })).toBe('.xx..xx..x')
  })

  it('concerns an upstream, one deployment of it, one replica, or everybody', () => {
    for (const upstream of ['*', 'sim', 'sim/Llama-3.1-8B'])
      expect(struck([faultOf('refuse', { upstream })], 2)).toBe('xx')
    for (const upstream of ['si', 'sim/other']) expect(struck([faultOf('refuse', { upstream })], 2)).toBe('..')
    expect(struck([faultOf('refuse', { replica: 1 })], 2)).toBe('..')
    expect(struck([faultOf('refuse', { replica: 1 })], 2, { replica: 1 })).toBe('xx')
  })

  it('strikes a call once, by the first of its faults that does', () => {
    const faults = [faultOf('refuse', { forMs: 200 }), faultOf('status')]
    expect(struck(faults, 4, { everyMs: 100 })).toBe('xx55')
  })

  it('passes errors of the upstream itself on as they are', () => {
    const bad = requestOf('chat/completions', { model: 'm', messages: [], stream: true })
    return Promise.all(
      (['cut', 'truncatedJson', 'roleOnly', 'garbage', 'noDone', 'slowTokens'] as const).map(async kind => {
        const { engine, clock } = stage([faultOf(kind)])
        const heard = listen(engine, clock, bad)
        await new Promise(resolve => setTimeout(resolve, 0))
        expect([heard.end, heard.status, JSON.parse(heard.text).error.param]).toEqual(['ended', 400, 'messages'])
      }),
    )
  })
})
