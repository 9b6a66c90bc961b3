import { describe, expect, it } from 'vitest'
import type { Deployment } from '../vocabulary/deployment.ts'
import type { Resilience } from '../vocabulary/resilience.ts'
import { type StageOptions, stageLife } from './stage.fixture.ts'

const bytes = (text: string) => Buffer.from(text)
const STREAM = ['content-type', 'text/event-stream']

function deployment(upstream: string, replicas = 1): Deployment {
  const name = `${upstream}/m`
  return { name, upstream, model: 'm', dialects: ['openai'], engine: null, replicas, grams: null }
}
const [A, B, C] = ['a', 'b', 'c'].map(name => deployment(name)) as [Deployment, Deployment, Deployment]

/** A life of a model with three deployments, or those that are given. */
function livesOn(resilience: Partial<Resilience> = {}, over: StageOptions = {}) {
  const { stage, life, another } = stageLife({
    deployments: [A, B, C],
    ...over,
    resilience: { attempts: 3, ...resilience },
  })
  const answer = (n: number, status: number, text: string, headers: string[] = []) => {
    const { sink } = stage.asked[n]!
    sink!.head(status, headers)
    sink!.data(bytes(text))
    sink!.end()
  }
  const stream = (n: number, text: string) => {
    const { sink } = stage.asked[n]!
    sink!.head(200, STREAM)
    sink!.data(bytes(text))
  }
  const whom = () => stage.asked.map(({ request }) => `${request.deployment.upstream}${request.replica}`).join(' ')
  const outcomes = () => stage.records[0]!.attempts.map(attempt => attempt.outcome)
  return { stage, life, another, answer, stream, whom, outcomes, streamed: over.streamed ?? false }
}

describe('a call whose first deployment fails', () => {
  it('is answered by the next one, and its record tells both in order', () => {
    const { stage, answer, whom } = livesOn()
    answer(0, 503, 'busy')
    answer(1, 200, 'hello U')
    stage.durable!(null)
    expect([whom(), stage.reply.status, stage.reply.text]).toEqual(['a0 b0', 200, 'hello U'])
    expect(stage.reply.header('x-penstock-attempts')).toBe('2')
    expect(stage.reply.header('x-penstock-deployment')).toBe('b/m')
    expect(stage.records[0]!.attempts).toMatchObject([
      { deployment: 'a/m', outcome: 'overloaded', dollars: 0n },
      { deployment: 'b/m', outcome: 'completed', dollars: 20_000n },
    ])
  })

  it('says in its route who was asked already and whom it could have asked', () => {
    const { stage, answer } = livesOn()
    answer(0, 500, 'oh')
    answer(1, 200, 'U')
    const [first, second] = stage.records[0]!.attempts.map(({ route }) => route!)
    expect(first!.candidates.map(each => each.deployment)).toEqual(['a/m', 'b/m', 'c/m'])
    expect(second!.candidates.map(each => each.deployment)).toEqual(['b/m', 'c/m'])
    expect(second!.passedOver).toEqual([{ deployment: 'a/m', why: 'was asked already: serverError' }])
  })

  it('shows nothing of a stream before its first content, and then nothing but the next one', () => {
    const { stage, stream, whom } = livesOn({}, { streamed: true })
    stage.asked[0]!.sink!.head(200, STREAM)
    stage.asked[0]!.sink!.fail({ kind: 'cut', message: 'reset' })
    expect(stage.reply.events).toEqual([])
    stream(1, 'abU.')
    stage.durable!(null)
    expect([whom(), stage.reply.text]).toEqual(['a0 b0', 'abU[0.000032].'])
    // Twelve tokens of the prompt, by its bytes, that the first one may have read.
    expect(stage.records[0]!.attempts[0]).toMatchObject({
      outcome: 'cut',
      usage: { source: 'estimated', outputTokens: 0 },
    })
  })

  it.each([400, 413, 422])('gets a %i word for word from nobody else', status => {
    const { stage, answer, whom } = livesOn()
    answer(0, status, 'your fault')
    stage.durable!(null)
    expect([whom(), stage.reply.status, stage.reply.text]).toEqual(['a0', status, 'your fault'])
  })

  it('asks elsewhere when its conversation is too long, and is told so when it is for all', () => {
    const { stage, answer, whom } = livesOn()
    for (const n of [0, 1, 2]) answer(n, 400, 'too long')
    stage.durable!(null)
    expect([whom(), stage.reply.status, stage.reply.text]).toEqual(['a0 b0 c0', 400, 'too long'])
  })

  it.each([
    [401, 502, 'upstreamFailed'],
    [403, 502, 'upstreamFailed'],
    [404, 404, 'not here'],
    [429, 429, 'not here'],
  ])('with nobody left hears of a %i as %i', (status, shown, text) => {
    const { stage, answer } = livesOn({}, { deployments: [A] })
    answer(0, status, 'not here')
    stage.durable!(null)
    expect([stage.reply.status, stage.reply.text]).toEqual([shown, text])
  })

  it('asks the other replicas before the other deployments', () => {
    const { answer, whom } = livesOn({}, { deployments: [deployment('pool', 2), B] })
    answer(0, 500, 'oh')
    answer(1, 500, 'oh')
    expect(whom().replace(/\d/g, '')).toBe('pool pool b')
    expect(new Set(whom().split(' ')).size).toBe(3)
  })

  it('makes no more attempts than it may', () => {
    const { stage, answer, whom } = livesOn({ attempts: 2 })
    answer(0, 500, 'one')
    answer(1, 500, 'two')
    stage.durable!(null)
    expect([whom(), stage.reply.status, stage.reply.text]).toEqual(['a0 b0', 500, 'two'])
  })
})

describe('a call that waits', () => {
  it('asks a lone deployment again when it said, not sooner', () => {
    const { stage, answer, whom } = livesOn({}, { deployments: [A] })
    answer(0, 429, 'slow down', ['retry-after', '2'])
    stage.pass(1_999)
    expect(whom()).toBe('a0')
    stage.pass(1)
    answer(1, 200, 'U')
    stage.durable!(null)
    expect([whom(), stage.reply.status]).toEqual(['a0 a0', 200])
  })

  it('is not asked for again once its caller left', () => {
    const { stage, answer, whom } = livesOn({}, { deployments: [A] })
    answer(0, 429, 'slow down', ['retry-after', '1'])
    stage.reply.onLeft!()
    stage.pass(5_000)
    expect([whom(), stage.records[0]!.outcome]).toEqual(['a0', 'callerLeft'])
    expect(stage.timers).toEqual([])
  })

  it('does not wait for what comes after its total or its deadline', () => {
    for (const over of [{ timeLimits: { totalMs: 900 } }, { call: { deadlineAt: 1_800_000_000_900 } }]) {
      const { stage, answer, whom } = livesOn({}, { deployments: [A], ...over })
      answer(0, 429, 'slow down', ['retry-after', '1'])
      stage.durable!(null)
      expect([whom(), stage.reply.status, stage.reply.header('retry-after')]).toEqual(['a0', 429, '1'])
    }
  })

  it('leaves a deployment alone that asked other calls for quiet', () => {
    const { stage, answer, another, whom } = livesOn()
    answer(0, 429, 'slow down', ['retry-after', '30'])
    answer(1, 200, 'U')
    another()
    expect(whom()).toBe('a0 b0 b0')
    stage.pass(30_000)
    another()
    expect(whom()).toBe('a0 b0 b0 a0')
  })
})

describe('the bounds of a call', () => {
  it('of its total end it with all its attempts', () => {
    const { stage, stream, outcomes } = livesOn({}, { streamed: true, timeLimits: { totalMs: 1_000 } })
    stream(0, 'ab')
    stage.pass(1_000)
    stage.durable!(null)
    expect([outcomes(), stage.reply.text.endsWith('<upstreamTimeout>'), stage.aborted]).toEqual([['timedOut'], true, 1])
  })

  it('of its deadline are for the start: what is shown by then may go on', () => {
    const call = { deadlineAt: 1_800_000_001_000 }
    const shown = livesOn({}, { streamed: true, call })
    shown.stream(0, 'ab')
    shown.stage.pass(2_000)
    expect([shown.stage.records, shown.stage.aborted]).toEqual([[], 0])
    const silent = livesOn({}, { streamed: true, call })
    silent.stage.pass(1_000)
    silent.stage.durable!(null)
    expect([silent.outcomes(), silent.stage.reply.text]).toEqual([['timedOut'], 'upstreamTimeout'])
  })

  it('leave no more than the limits of its caller hold, whatever its attempts used', () => {
    const limit = { scope: 'key:ci', unit: 'outputTokens', amount: 150, window: 'total' }
    const { stage, whom } = livesOn({}, { limits: [limit] })
    // A plain answer that breaks off is paid by what had come: about sixty tokens of the hundred that were held.
    stage.asked[0]!.sink!.head(200, [])
    stage.asked[0]!.sink!.data(bytes('x'.repeat(200)))
    stage.asked[0]!.sink!.fail({ kind: 'cut', message: 'reset' })
    stage.durable!(null)
    // The next one could use a hundred again, for which there is no room.
    expect([whom(), stage.reply.status]).toEqual(['a0', 502])
    const { used, held } = stage.limit('key:ci', 'outputTokens')
    expect([used > 50 && used <= 100, held]).toEqual([true, 0])
  })

  it('leave no more than their caller lets them cost in all', () => {
    // An attempt may cost 230,000 nano-dollars: 30 tokens at one dollar and a hundred at two, for a million.
    const held = (maxDollars: bigint) => {
      const { stage, whom } = livesOn({}, { call: { maxDollars } })
      stage.asked[0]!.sink!.head(200, [])
      stage.asked[0]!.sink!.data(bytes('x'.repeat(200)))
      stage.asked[0]!.sink!.fail({ kind: 'cut', message: 'reset' })
      return whom()
    }
    expect([held(300_000n), held(500_000n)]).toEqual(['a0', 'a0 b0'])
  })

  it('let the next attempt start where there is room for it', () => {
    const limit = { scope: 'key:ci', unit: 'outputTokens', amount: 1_000, window: 'total' }
    const { stage, answer, whom } = livesOn({}, { limits: [limit] })
    stage.asked[0]!.sink!.head(200, [])
    stage.asked[0]!.sink!.data(bytes('x'.repeat(200)))
    stage.asked[0]!.sink!.fail({ kind: 'cut', message: 'reset' })
    expect(stage.limit('key:ci', 'outputTokens').held).toBeGreaterThan(150)
    answer(1, 200, 'U')
    const { used, held } = stage.limit('key:ci', 'outputTokens')
    expect([whom(), used > 55 && used < 120, held]).toEqual(['a0 b0', true, 0])
  })
})

describe('a breaker', () => {
  const breaker = { failures: 2, withinMs: 10_000, openMs: 5_000 }

  it('that is open keeps calls away, and says when to come back where nobody is left', () => {
    const { stage, answer, another, whom } = livesOn({ breaker, attempts: 1 }, { deployments: [A] })
    answer(0, 500, 'oh')
    another()
    answer(1, 500, 'oh')
    const refused = another()
    expect([whom(), refused.text]).toEqual(['a0 a0', 'noDeployment'])
    stage.pass(5_000)
    another()
    another()
    // One call finds out; the other is refused meanwhile.
    expect(whom()).toBe('a0 a0 a0')
    answer(2, 200, 'U')
    another()
    expect(whom()).toBe('a0 a0 a0 a0')
  })
})

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

  it('is stopped with the first one when the caller leaves', () => {
    const { stage, another } = warm()
    const reply = another()
    stage.pass(500)
    reply.onLeft!()
    expect([stage.asked[60]!.sink, stage.asked[61]!.sink]).toEqual([null, null])
    expect(stage.records.at(-1)!.attempts.map(({ outcome }) => outcome)).toEqual(['callerLeft', 'callerLeft'])
  })
})

describe('a stream that breaks after something was shown', () => {
  const cut = (lives: ReturnType<typeof livesOn>, n: number) =>
    lives.stage.asked[n]!.sink!.fail({ kind: 'cut', message: 'reset' })

  it('is gone on with by another deployment, which is told what was shown', () => {
    const lives = livesOn({ onCut: 'continue' }, { streamed: true })
    lives.stream(0, 'abc')
    cut(lives, 0)
    expect(Buffer.concat([...lives.stage.asked[1]!.request.body]).toString()).toMatch(/^b\/m prefill abc \d+$/)
    lives.stream(1, 'deU.')
    lives.stage.durable!(null)
    expect(lives.stage.reply.text).toMatch(/^abcdeU\[[\d.]+\]\.$/)
    expect(lives.stage.reply.events.filter(event => event === 'head')).toHaveLength(1)
    expect([lives.outcomes(), lives.stage.records[0]!.outcome]).toEqual([['cut', 'completed'], 'completed'])
  })

  it('is asked anew where a prefill is refused, and joined where its text agrees', () => {
    const lives = livesOn({ onCut: 'continue' }, { streamed: true })
    lives.stream(0, 'abc')
    cut(lives, 0)
    lives.answer(1, 400, 'no prefill')
    expect([lives.whom(), Buffer.concat([...lives.stage.asked[2]!.request.body]).toString()]).toEqual([
      'a0 b0 b0',
      expect.stringMatching(/^b\/m anew abc/),
    ])
    lives.stream(2, 'abcdeU.')
    lives.stage.durable!(null)
    expect(lives.stage.reply.text).toMatch(/^abcdeU\[[\d.]+\]\.$/)
    expect(lives.outcomes()).toEqual(['cut', 'rejected', 'completed'])
  })

  it('ends in an honest error where nobody can go on as it began', () => {
    const lives = livesOn({ onCut: 'continue' }, { streamed: true })
    lives.stream(0, 'abc')
    cut(lives, 0)
    lives.answer(1, 400, 'no prefill')
    lives.stream(2, 'xyz.')
    lives.stage.durable!(null)
    expect(lives.stage.reply.text).toMatch(/^abc\[[\d.]+\]<upstreamFailed>$/)
    expect(lives.outcomes()).toEqual(['cut', 'rejected', 'malformed'])
    expect(lives.stage.records[0]!.outcome).toBe('failed')
  })

  it.each([
    ['onCut says so', 'fail', 'abc'],
    ['a tool call was shown', 'continue', 'abT'],
  ] as const)('is not gone on with where %s', (_, onCut, text) => {
    const lives = livesOn({ onCut }, { streamed: true })
    lives.stream(0, text)
    cut(lives, 0)
    lives.stage.durable!(null)
    expect([lives.whom(), lives.stage.reply.text.endsWith('<upstreamFailed>')]).toEqual(['a0', true])
  })

  it('is gone on with as often as attempts are left', () => {
    const lives = livesOn({ onCut: 'continue' }, { streamed: true })
    lives.stream(0, 'ab')
    cut(lives, 0)
    lives.stream(1, 'cd')
    cut(lives, 1)
    expect(Buffer.concat([...lives.stage.asked[2]!.request.body]).toString()).toMatch(/^c\/m prefill abcd/)
    lives.stream(2, 'efU.')
    lives.stage.durable!(null)
    expect(lives.stage.reply.text).toMatch(/^abcdefU\[[\d.]+\]\.$/)
  })
})

describe('a caller that leaves', () => {
  it('lets the upstream finish for so long as its model says, and the usage is as reported', () => {
    const { stage, stream, outcomes } = livesOn({ drainMs: 2_000 }, { streamed: true })
    stream(0, 'ab')
    stage.reply.onLeft!()
    stage.pass(1_000)
    stage.asked[0]!.sink!.data(bytes('cdU.'))
    expect([stage.reply.text, outcomes(), stage.records[0]!.outcome]).toEqual(['ab', ['completed'], 'callerLeft'])
    expect(stage.records[0]!.attempts[0]!.usage!.source).toBe('reported')
    expect(stage.aborted).toBe(0)
  })

  it('waits for nobody beyond that, and nobody else is asked meanwhile', () => {
    const { stage, stream, outcomes, whom } = livesOn({ drainMs: 2_000 }, { streamed: true })
    stream(0, 'ab')
    stage.reply.onLeft!()
    stage.pass(2_000)
    expect([outcomes(), stage.aborted, whom()]).toEqual([['callerLeft'], 1, 'a0'])
    const failing = livesOn({ drainMs: 2_000 })
    failing.stage.reply.onLeft!()
    failing.answer(0, 500, 'oh')
    expect([failing.whom(), failing.stage.records[0]!.outcome]).toEqual(['a0', 'callerLeft'])
    expect(failing.stage.timers).toEqual([])
  })
})
