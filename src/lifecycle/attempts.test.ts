import { describe, expect, it } from 'vitest'
import { A, B, bytes, deployment, livesOn, STREAM } from './lives.fixture.ts'

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

  it('makes no upstream late that has not begun to answer', () => {
    const timeLimits = { firstTokenMs: null, idleMs: 300, totalMs: null }
    const { stage, stream, outcomes } = livesOn({ drainMs: 2_000, timeLimits }, { streamed: true })
    stage.reply.onLeft!()
    stage.pass(1_000)
    stream(0, 'abU.')
    expect(outcomes()).toEqual(['completed'])
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
