import { describe, expect, it } from 'vitest'
import type { AttemptSink, EngineClient } from '../../ports/engine.ts'
import { ManualClock } from '../simulated/serve.fixture.ts'
import { randomFrom } from './choose.ts'
import { faultyEngine } from './engine.ts'
import { FAULT_KINDS } from './plan.ts'
import { ask, faultOf, LONG_MS, listen, played, stage, wordsOf } from './stage.fixture.ts'

describe('an attempt that a fault strikes', () => {
  it('does not read far ahead of its slow tokens', () => {
    const clock = new ManualClock()
    const told: string[] = []
    let sink: AttemptSink | null = null
    const inner: EngineClient = {
      attempt(_, of) {
        sink = of
        return { pause: () => told.push('pause'), resume: () => told.push('resume'), abort: () => told.push('abort') }
      },
      close: async () => {},
    }
    const plan = { faults: [faultOf('slowTokens', { waitMs: 10 })], seed: 1, startedAt: clock.now() }
    const engine = faultyEngine(inner, plan, { clock, random: randomFrom(1) })
    const heard = listen(engine, clock, ask('chat/completions', true))
    sink!.head(200, ['content-type', 'text/event-stream'])
    sink!.data(Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'.repeat(100)))
    expect(told).toEqual(['pause'])
    heard.handle.pause()
    clock.pass(2_000)
    expect([told, heard.text]).toEqual([['pause', 'pause'], ''])
    heard.handle.resume()
    clock.pass(1)
    expect([told, wordsOf(heard.text).length]).toEqual([['pause', 'pause', 'resume'], 100])
  })

  it('says that nothing was sent where its fault lets nothing reach the upstream', () => {
    const unsent = FAULT_KINDS.filter(kind => {
      const { engine, clock } = stage([faultOf(kind, {})])
      return listen(engine, clock, ask('chat/completions', true)).handle.isUnsent
    })
    expect(unsent).toEqual(['refuse', 'neverAccept'])
  })

  it.each(FAULT_KINDS)('%s: aborted, it frees the upstream, keeps no timer and says nothing more', kind => {
    for (const afterMs of [0, 20, 60]) {
      const { engine, clock, idle } = stage([faultOf(kind, { waitMs: 10 })])
      const heard = listen(engine, clock, ask('chat/completions', true))
      clock.pass(afterMs)
      heard.handle.abort()
      const before = { ...heard }
      expect(idle()).toBe(true)
      clock.pass(LONG_MS)
      expect({ ...heard }).toEqual(before)
      expect(clock.timers).toBe(0)
      heard.handle.abort()
    }
  })

  it.each(FAULT_KINDS)(
    '%s: paused from the beginning, it says nothing until it is resumed, and then the same',
    kind => {
      const { engine, clock } = stage([faultOf(kind, { waitMs: 10 })])
      const heard = listen(engine, clock, ask('chat/completions', true))
      heard.handle.pause()
      clock.pass(5_000)
      expect([heard.status, heard.text, heard.end]).toEqual([null, '', 'open'])
      heard.handle.resume()
      return new Promise(resolve => setTimeout(resolve, 0)).then(() => {
        clock.pass(5_000)
        const straight = played(faultOf(kind, { waitMs: 10 }), 'chat/completions', true, 5_000)
        expect([heard.status, heard.end, wordsOf(heard.text)]).toEqual([straight.status, straight.end, straight.words])
      })
    },
  )

  it.each(FAULT_KINDS)('%s: aborted from within its sink, it says nothing more', kind => {
    const { engine, clock, idle } = stage([faultOf(kind, { waitMs: 10 })])
    let told = 0
    const abort = () => {
      told++
      heard.handle.abort()
    }
    const heard = listen(engine, clock, ask('messages', true), { head: abort, data: abort, end: abort, fail: abort })
    clock.pass(5_000)
    expect([told <= 1, idle(), clock.timers]).toEqual([true, true, 0])
  })

  it.each(FAULT_KINDS)('%s: fails at the latest when its upstream is closed', async kind => {
    const { engine, clock } = stage([faultOf(kind)])
    const heard = listen(engine, clock, ask('chat/completions', true))
    clock.pass(10)
    await engine.close()
    expect(heard.end).not.toBe('open')
    const late = listen(engine, clock, ask('chat/completions', true))
    await new Promise(resolve => setTimeout(resolve, 0))
    expect([late.end, clock.timers]).toEqual(['unreachable', 0])
  })
})
