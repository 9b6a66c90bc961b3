import { describe, expect, it } from 'vitest'
import { stageFleet } from './stage.fixture.ts'

/** One place, and so many calls that had it for a second each, one after another. */
function taught(calls: number) {
  const stage = stageFleet({ replicas: 1, pool: { maxRunning: 1 } })
  for (let i = 0; i < calls; i++) {
    const call = stage.ask(`taught-${i}`)
    stage.clock.pass(1_000)
    call.ends()
  }
  return stage
}

describe('what a wait is expected to be', () => {
  it('does not grow by hours in which nobody called', () => {
    const stage = taught(12)
    stage.clock.pass(3_600_000)
    const elsewhere = { moreDollars: 1_000_000n }
    const [first, second, third] = ['first', 'second', 'third'].map(name => stage.ask(name, { elsewhere }))
    stage.clock.pass(1_000)
    first!.ends()
    stage.clock.pass(1_000)
    second!.ends()
    expect([second, third].map(call => call!.answer?.kind)).toEqual(['place', 'place'])
  })

  it('lets a call go at once that has no hope to start in time, and lets others wait', () => {
    const stage = taught(12)
    stage.fill(1)
    for (let i = 0; i < 10; i++) stage.ask(`waiting-${i}`)
    const now = stage.clock.now()
    const hopeless = stage.ask('hopeless', { waitedMs: 56_000 })
    expect(hopeless.answer).toMatchObject({ kind: 'refuse', cause: 'queueTimeout', retryAfterMs: 11_000 })
    expect(stage.ask('hopeful', { deadlineAt: now + 9_000 }).answer).toBe(null)
    expect(stage.ask('patient').answer).toBe(null)
  })

  it('is not guessed of from few calls: who knows little refuses nobody before the time', () => {
    const stage = taught(3)
    stage.fill(1)
    for (let i = 0; i < 10; i++) stage.ask(`waiting-${i}`)
    expect(stage.ask('short', { waitedMs: 59_000 }).answer).toBe(null)
    stage.clock.pass(1_000)
  })

  it('is over once: nothing is left that could answer a call again, however it ended', () => {
    for (const moreDollars of [1_000n, 9_000_000n, 9_999_999n, 20_000_000n, null]) {
      for (const wait of [400, 900, 1_000, 1_100, 5_000]) {
        const stage = stageFleet({ replicas: 1, queue: { maxWaitMs: wait } })
        const [filler] = stage.fill(2)
        const call = stage.ask('call', { tier: 'interactive', elsewhere: { moreDollars } })
        stage.clock.pass(wait)
        filler!.ends()
        stage.clock.pass(60_000)
        expect(call.answer).not.toBe(null)
        expect(stage.clock.pending).toBe(0)
      }
    }
  })

  it('goes elsewhere where every replica is drained, and waits where there is nobody else', () => {
    const stage = stageFleet({ replicas: 1 })
    stage.desk.drain('pool', 0)
    expect(stage.ask('a', { elsewhere: { moreDollars: 5n } }).answer).toEqual({ kind: 'none' })
    const patient = stage.ask('b')
    expect(patient.answer).toBe(null)
    stage.desk.resume('pool', 0)
    expect(patient.answer?.kind).toBe('place')
  })
})
