import { describe, expect, it } from 'vitest'
import type { Resilience } from '../vocabulary/resilience.ts'
import { A, B, bytes, C, STREAM } from './lives.fixture.ts'
import { type StageOptions, stageLife } from './stage.fixture.ts'

const DEPLOYMENTS = [A, B, C]

/** Lives whose limits take 100 ms to say whether there is room for another attempt. */
function livesOn(resilience: Partial<Resilience> = {}, over: StageOptions = {}) {
  const staged = stageLife({
    deployments: DEPLOYMENTS,
    roomAfterMs: 100,
    ...over,
    resilience: { attempts: 3, ...resilience },
  })
  const { stage } = staged
  const answer = (n: number, text: string) => {
    const { sink } = stage.asked[n]!
    sink!.head(200, [])
    sink!.data(bytes(text))
    sink!.end()
  }
  const stream = (n: number, text: string) => {
    const { sink } = stage.asked[n]!
    sink!.head(200, STREAM)
    sink!.data(bytes(text))
  }
  /** Whom calls asked, from the nth attempt on. */
  const whom = (from = 0) =>
    stage.asked
      .slice(from)
      .map(({ request }) => request.deployment.upstream)
      .join(' ')
  return { ...staged, answer, stream, whom }
}

/** A stream that waits for content beside sixty calls that were answered, so that it may have a rival. */
function slowStream(over: Partial<Resilience> = {}) {
  const lives = livesOn({ hedgeAfterMs: 500, ...over }, { streamed: true })
  lives.stream(0, 'aU.')
  for (let n = 1; n < 60; n++) {
    lives.another()
    lives.stream(n, 'aU.')
  }
  const reply = lives.another()
  lives.stage.pass(500)
  return { ...lives, reply }
}

describe('while limits are asked for room for another attempt', () => {
  it('a caller that leaves takes nothing with it: nobody is asked, and no replica stays taken', () => {
    const { stage, answer, whom, outstanding } = livesOn()
    answer(0, '!')
    stage.reply.onLeft!()
    stage.pass(100)
    expect([whom(), outstanding()]).toEqual(['a', 0])
    expect(stage.records.map(({ outcome }) => outcome)).toEqual(['callerLeft'])
  })

  it('a stream that begins needs no rival any more, is shown alone, and the rival can be asked for another call', () => {
    const { stage, reply, another, stream, whom, outstanding } = slowStream()
    stream(60, 'ab')
    stage.pass(100)
    expect([whom(60), reply.text, outstanding()]).toEqual(['a', 'ab', 1])
    stream(60, 'cU.')
    stage.durable!(null)
    expect(reply.events.filter(event => event === 'head')).toHaveLength(1)
    expect(stage.records.at(-1)!.attempts).toHaveLength(1)
    // Sixty answered calls pay for three rivals, and none of them was used up.
    for (let n = 0; n < 3; n++) another()
    stage.pass(500)
    stage.pass(100)
    expect(whom(61)).toBe('a a a b b b')
  })

  it('a rival never mixes into the stream that goes on with one that broke', () => {
    const { stage, reply, stream, whom } = slowStream({ onCut: 'continue', attempts: 3 })
    stream(60, 'ab')
    stage.asked[60]!.sink!.fail({ kind: 'cut', message: 'reset' })
    stage.pass(100)
    expect(whom(60)).toBe('a b')
    expect(reply.text).toBe('ab')
  })

  it('a rival that is about to be asked stands for the next attempt when the first one fails', () => {
    const { stage, stream, whom, reply } = slowStream({ attempts: 2 })
    stage.asked[60]!.sink!.fail({ kind: 'unreachable', message: 'reset' })
    stage.pass(100)
    expect(whom(60)).toBe('a b')
    stream(61, 'abU.')
    stage.durable!(null)
    expect(reply.text).toContain('abU')
    expect(stage.records.at(-1)!.attempts.map(({ outcome }) => outcome)).toEqual(['unreachable', 'completed'])
  })
})

describe('of two attempts whose caller left', () => {
  it('the answer of the first to finish is enough', () => {
    const { stage, another, answer, outstanding } = livesOn({ hedgeAfterMs: 500, drainMs: 10_000 }, { roomAfterMs: 0 })
    answer(0, 'U')
    for (let n = 1; n < 60; n++) {
      another()
      answer(n, 'U')
    }
    const reply = another()
    stage.pass(500)
    stage.pass(0)
    reply.onLeft!()
    answer(60, 'U')
    expect(outstanding()).toBe(0)
    expect(stage.records.at(-1)!.attempts.map(({ outcome }) => outcome)).toEqual(['completed', 'superseded'])
  })
})
