import { describe, expect, it } from 'vitest'
import { livesOn } from './lives.fixture.ts'
import type { StageOptions } from './stage.fixture.ts'

describe('a rival', () => {
  const hedging = { hedgeAfterMs: 500 }
  /** Fifty calls that were answered, so that the next one may have a rival. */
  function warm(over: StageOptions = {}) {
    const lives = livesOn(hedging, { ...over, streamed: false })
    lives.answer(0, 200, 'U')
    for (let n = 1; n < 60; n++) {
      lives.another()
      lives.answer(n, 200, 'U')
    }
    return lives
  }

  it('is asked when content is long in coming; the first content wins, and the loser is recorded', () => {
    const { stage, another, answer, whom } = warm()
    const reply = another()
    stage.pass(500)
    expect(whom().split(' ').slice(60)).toEqual(['a0', 'b0'])
    answer(61, 200, 'quick U')
    stage.durable!(null)
    expect([reply.text, stage.asked[60]!.sink]).toEqual(['quick U', null])
    const record = stage.records.at(-1)!
    expect(record.attempts.map(each => [each.deployment, each.outcome])).toEqual([
      ['a/m', 'superseded'],
      ['b/m', 'completed'],
    ])
    expect(record.dollars).toBe(record.attempts[0]!.dollars! + record.attempts[1]!.dollars!)
  })

  it('is none while the budget for rivals is used up, or within the first fifty calls', () => {
    const { stage, another, whom } = warm()
    for (let n = 0; n < 6; n++) another()
    stage.pass(500)
    expect(whom().split(' ').slice(66)).toHaveLength(3)
    const cold = livesOn(hedging)
    cold.stage.pass(500)
    expect(cold.whom()).toBe('a0')
  })

  it('goes on alone when the first one fails, and nobody else is asked before it has failed too', () => {
    const { stage, another, answer, whom } = warm()
    const reply = another()
    stage.pass(500)
    answer(60, 500, 'oh')
    expect(whom().split(' ').slice(60)).toEqual(['a0', 'b0'])
    answer(61, 500, 'oh')
    expect(whom().split(' ').slice(60)).toEqual(['a0', 'b0', 'c0'])
    answer(62, 200, 'third U')
    stage.durable!(null)
    expect(reply.text).toBe('third U')
  })

  it('that fails is followed by another one, since the first is as slow as it was', () => {
    const { stage, another, answer, whom } = warm()
    const reply = another()
    stage.pass(500)
    answer(61, 500, 'oh')
    expect(whom().split(' ').slice(60)).toEqual(['a0', 'b0', 'c0'])
    answer(62, 200, 'third U')
    stage.durable!(null)
    expect(reply.text).toBe('third U')
    const outcomes = stage.records.at(-1)!.attempts.map(({ outcome }) => outcome)
    expect(outcomes).toEqual(['superseded', 'serverError', 'completed'])
  })

  it('is stopped with the first one when the caller leaves', () => {
    const { stage, another } = warm()
    const reply = another()
    stage.pass(500)
    reply.onLeft!()
    expect([stage.asked[60]!.sink, stage.asked[61]!.sink]).toEqual([null, null])
    expect(stage.records.at(-1)!.attempts.map(({ outcome }) => outcome)).toEqual(['callerLeft', 'callerLeft'])
  })
})
