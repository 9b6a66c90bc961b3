import { describe, expect, it } from 'vitest'
import type { Model } from '../vocabulary/deployment.ts'
import { DEFAULT_RESILIENCE } from '../vocabulary/resilience.ts'
import { type NotedReply, stageLife } from './stage.fixture.ts'

type Stage = ReturnType<typeof stageLife>['stage']

const bytes = (text: string) => Buffer.from(text)
const STREAM = ['content-type', 'text/event-stream']
const limit = (scope: string, unit: string, amount: unknown, more: Record<string, unknown> = {}) => ({
  scope,
  unit,
  amount,
  ...(unit === 'concurrency' ? {} : { window: 'total' }),
  ...more,
})
const SMALL: Model = {
  name: 'small',
  deployments: [
    { name: 'u/s', upstream: 'u', model: 's', dialects: ['openai'], engine: null, replicas: 1, grams: null },
  ],
  route: 'inOrder',
  maxOutputTokens: null,
  resilience: DEFAULT_RESILIENCE,
  createdAt: 0,
}

/** Lets the upstream answer the attempt under way. */
function answer(stage: Stage, text = 'hello U', status = 200): void {
  const { sink } = stage
  sink!.head(status, [])
  sink!.data(bytes(text))
  sink!.end()
  stage.durable!(null)
}

function refusedWith({ reply }: { reply: NotedReply }): unknown {
  return [reply.events, reply.text]
}

describe('a call that a limit has no room for', () => {
  it('is refused before anything is sent, and leaves nothing behind', () => {
    const { stage } = stageLife({ limits: [limit('key:ci', 'outputTokens', 99)] })
    // Those that were admitted at the same moment go first.
    expect(stage.reply.events).toEqual([])
    stage.pass(5)
    expect(refusedWith(stage)).toEqual([['head', 'end'], 'limitReached'])
    expect([stage.request, stage.records, stage.refused]).toEqual([null, [], ['limitReached']])
    expect([stage.limit(), stage.limit('key:ci', 'outputTokens')]).toEqual([
      { used: 0, held: 0 },
      { used: 0, held: 0 },
    ])
  })

  it('is refused for its price where a limit of dollars binds and nobody knows it', () => {
    const { stage } = stageLife({ priced: false, limits: [limit('key:ci', 'dollars', '5')] })
    stage.pass(5)
    expect(stage.refused).toEqual(['priceUnknown'])
  })

  it('is served by the model that the limit names, at its price, and its record says so', () => {
    const limits = [limit('model:fast', 'requests', 0, { onReached: { downgrade: 'small' } })]
    const { stage } = stageLife({ limits, models: { small: SMALL } })
    expect(stage.request!.deployment.name).toBe('u/s')
    answer(stage)
    expect(stage.records[0]).toMatchObject({ model: 'fast', downgradedTo: 'small', outcome: 'completed' })
    expect(stage.reply.header('x-penstock-downgraded-to')).toBe('small')
    expect(stage.limit('model:fast', 'requests').used).toBe(0)
  })

  it('is refused where the model that the limit names does not exist or does not speak the dialect', () => {
    const limits = [limit('model:fast', 'requests', 0, { onReached: { downgrade: 'small' } })]
    expect(stageLife({ limits }).stage.refused).toEqual(['noDeployment'])
    const deployments = SMALL.deployments.map(deployment => ({ ...deployment, dialects: ['anthropic' as const] }))
    const { stage } = stageLife({ limits, models: { small: { ...SMALL, deployments } } })
    expect(stage.refused).toEqual(['modelNotAllowed'])
  })
})

describe('a call that waits for room', () => {
  const limits = [limit('key:ci', 'concurrency', 1, { onReached: 'queue', wait: '30s' })]

  it('starts when the one before it ends, and says how long it waited', () => {
    const { stage, another } = stageLife({ limits })
    const first = stage.sink
    // Its body took two seconds to come.
    const second = another({ arrivedAt: stage.now, arrived: stage.now - 1_700_000_000_000 - 2_000 })
    expect(stage.sink).toBe(first)
    stage.pass(700)
    answer(stage)
    expect(stage.sink).not.toBe(first)
    answer(stage, 'second U')
    expect(second.text).toBe('second U')
    expect(second.header('server-timing')).toBe('gateway;dur=2000, queue;dur=700, upstream;dur=0, commit;dur=0')
  })

  it('is refused when its wait is over', () => {
    const { stage, another } = stageLife({ limits })
    const second = another()
    stage.pass(29_999)
    expect(second.events).toEqual([])
    stage.pass(1)
    stage.pass(5)
    expect(second.text).toBe('limitReached')
  })

  it('is forgotten when its caller leaves, and lets the next one pass', () => {
    const { stage, another } = stageLife({ limits })
    const [second, third] = [another(), another()]
    second.onLeft!()
    answer(stage)
    answer(stage, 'third U')
    expect([second.events, third.text]).toEqual([[], 'third U'])
    expect(stage.limit('key:ci', 'concurrency')).toEqual({ used: 0, held: 0 })
  })

  it('for a model that a limit sent it to is forgotten as well when its caller leaves', () => {
    const detour = [
      limit('model:fast', 'requests', 0, { onReached: { downgrade: 'small' } }),
      limit('model:small', 'concurrency', 1, { onReached: 'queue', wait: '30s' }),
    ]
    const { stage, another } = stageLife({ limits: detour, models: { small: SMALL } })
    const second = another()
    second.onLeft!()
    answer(stage)
    expect([second.events, stage.records.length]).toEqual([[], 1])
  })

  it('is refused when the gateway stops', () => {
    const { stage, life, another } = stageLife({ limits })
    another()
    life.stop()
    stage.durable!(null)
    expect(stage.records[0]).toMatchObject({ outcome: 'failed' })
    expect(stage.limit('key:ci', 'concurrency').held).toBe(1)
  })
})

describe('what a call used', () => {
  it('is posted with its record, and kept with the limits that it counts in', () => {
    const { stage } = stageLife({ limits: [limit('key:ci', 'tokens', 900)] })
    answer(stage)
    expect(stage.limit('key:ci', 'tokens')).toEqual({ used: 15, held: 0 })
    expect(stage.uses.map(use => use.amounts)).toEqual([[20_000, 15, 10, 5, 1, 0]])
  })

  it('beyond its hold is booked in full', () => {
    const { stage } = stageLife({ maxOutputTokens: 1, limits: [limit('key:ci', 'outputTokens', 2)] })
    answer(stage)
    expect(stage.limit('key:ci', 'outputTokens')).toEqual({ used: 5, held: 0 })
  })

  it('is nothing where the upstream failed: its request comes back too', () => {
    const { stage } = stageLife({ limits: [limit('key:ci', 'requests', 1)] })
    answer(stage, 'no', 500)
    expect([stage.limit('key:ci', 'requests'), stage.limit(), stage.uses]).toEqual([
      { used: 0, held: 0 },
      { used: 0, held: 0 },
      [],
    ])
  })
})

describe('a stream whose maximum is generous', () => {
  /** 10 bytes of content a letter: 34 letters are 100 tokens. */
  const letters = (count: number) => 'a'.repeat(count)
  const generous = (amount: number) =>
    stageLife({ streamed: true, maxOutputTokens: 4_000, limits: [limit('key:ci', 'outputTokens', amount)] })

  it('is held for a part of it, and for more while it runs', () => {
    const { stage } = generous(2_000)
    expect(stage.limit('key:ci', 'outputTokens').held).toBe(200)
    stage.sink!.head(200, STREAM)
    stage.sink!.data(bytes(letters(66)))
    const { held } = stage.limit('key:ci', 'outputTokens')
    expect(held).toBeGreaterThan(400)
    stage.sink!.data(bytes('U.'))
    stage.durable!(null)
    expect(stage.limit('key:ci', 'outputTokens')).toEqual({ used: 5, held: 0 })
    expect(stage.records[0]).toMatchObject({ limited: false, outcome: 'completed' })
  })

  it('ends as at its maximum length when there is no more room, the upstream is stopped and the record says so', () => {
    const { stage } = generous(220)
    stage.sink!.head(200, STREAM)
    for (let shown = 0; stage.aborted === 0 && shown < 400; shown++) stage.sink!.data(bytes('a'))
    stage.durable!(null)
    expect(stage.aborted).toBe(1)
    expect(stage.records[0]).toMatchObject({ limited: true, outcome: 'completed', status: 200 })
    const { used, held } = stage.limit('key:ci', 'outputTokens')
    expect([used <= 220, used > 180, held]).toEqual([true, true, 0])
    expect(stage.reply.text).toMatch(/^a+\[0\.\d+\]!\d+$/)
    expect(stage.records[0]!.attempts[0]!.usage).toMatchObject({ source: 'estimated', outputTokens: used })
  })

  it('is booked in full, as an overrun, where it came in a piece too large to be stopped in time', () => {
    const { stage } = generous(220)
    stage.sink!.head(200, STREAM)
    stage.sink!.data(bytes(letters(1_000)))
    stage.durable!(null)
    const { used } = stage.limit('key:ci', 'outputTokens')
    expect(used).toBeGreaterThan(2_900)
    const { limited, overrunDollars, dollars, heldDollars } = stage.records[0]!
    expect([limited, overrunDollars]).toEqual([true, dollars! - heldDollars!])
  })

  it('is held whole where its maximum is a small part of every limit', () => {
    expect(generous(90_000).stage.limit('key:ci', 'outputTokens').held).toBe(4_000)
  })

  it('is ended although it keeps to no maximum at all', () => {
    const limits = [limit('key:ci', 'outputTokens', 120)]
    const { stage } = stageLife({ streamed: true, maxOutputTokens: 100, limits })
    stage.sink!.head(200, STREAM)
    for (let shown = 0; stage.aborted === 0 && shown < 400; shown++) stage.sink!.data(bytes('a'))
    expect(stage.aborted).toBe(1)
  })

  it('may show a little more than its maximum by our count of bytes without being ended for it', () => {
    const { stage } = stageLife({
      streamed: true,
      maxOutputTokens: 100,
      limits: [limit('key:ci', 'outputTokens', 100)],
    })
    stage.sink!.head(200, STREAM)
    stage.sink!.data(bytes(letters(45)))
    expect(stage.aborted).toBe(0)
  })
})

describe('answers tell', () => {
  it('the rate that binds them, and limits that are reached but only warn', () => {
    const limits = [
      limit('key:ci', 'requests', 5, { window: { sliding: '1m' } }),
      limit('key:ci', 'requests', 0, { onReached: 'warn' }),
    ]
    const { stage } = stageLife({ limits })
    answer(stage)
    expect(stage.reply.header('x-rate')).toBe('4')
    expect(stage.reply.header('x-penstock-warning')).toContain('key:ci')
  })

  it.each([
    ['beyond the first plane', '🚀', '%F0%9F%9A%80'],
    ['half a character', '\ud83d', '%EF%BF%BD'],
    ['accents', 'équipe', '%C3%A9quipe'],
  ])('of limits that only warn in ASCII, whatever is in a name: %s', (_, team, shown) => {
    const caller = { key: 'ci', team, user: null, tags: {}, run: null }
    const { stage } = stageLife({
      limits: [limit(`team:${team}`, 'requests', 0, { onReached: 'warn' })],
      call: { caller },
    })
    answer(stage)
    expect(stage.reply.header('x-penstock-warning')).toContain(`of team:${shown} is reached`)
  })

  it('the rate that refuses them', () => {
    const { stage } = stageLife({ limits: [limit('key:ci', 'requests', 0, { window: { sliding: '1m' } })] })
    stage.pass(5)
    expect(stage.reply.header('x-rate')).toBe('0')
  })
})

describe('an attempt that takes longer than its model may', () => {
  it.each([
    ['to its first content', { firstTokenMs: 1_000 }, 'firstTokenTimeout'],
    ['in silence', { idleMs: 1_000 }, 'stalled'],
    ['in all', { totalMs: 1_000 }, 'timedOut'],
  ])('%s is ended, and its caller is told', (_, timeLimits, outcome) => {
    const { stage } = stageLife({ streamed: true, timeLimits })
    stage.sink!.head(200, STREAM)
    if (outcome !== 'firstTokenTimeout') stage.sink!.data(bytes('a'))
    stage.pass(999)
    expect(stage.records).toEqual([])
    stage.pass(1)
    stage.durable!(null)
    expect(stage.records[0]!.attempts[0]!.outcome).toBe(outcome)
    // Nothing was shown before the first content, so that this one is a refusal like any other.
    const isShown = outcome !== 'firstTokenTimeout'
    expect(stage.reply.text).toContain(isShown ? '<upstreamTimeout>' : 'upstreamTimeout')
    expect(stage.reply.status).toBe(isShown ? 200 : 502)
    expect(stage.limit().held).toBe(0)
  })

  it('is not silent while its caller reads slowly', () => {
    const { stage } = stageLife({ streamed: true, timeLimits: { idleMs: 1_000 } })
    stage.sink!.head(200, STREAM)
    stage.reply.full = true
    stage.sink!.data(bytes('a'))
    stage.pass(5_000)
    expect(stage.records).toEqual([])
    stage.reply.onDrain!()
    stage.pass(1_000)
    stage.pass(1_000)
    expect(stage.records).toHaveLength(1)
  })
})

describe('what one is told that goes on with a broken answer', () => {
  it('is held, and paid for as a part of its prompt where it breaks too', () => {
    const [first, second] = ['a', 'b'].map(name => ({ ...SMALL.deployments[0]!, name: `${name}/s`, upstream: name }))
    const { stage } = stageLife({
      streamed: true,
      deployments: [first!, second!],
      resilience: { attempts: 2, onCut: 'continue' },
      limits: [limit('key:ci', 'inputTokens', 10_000)],
    })
    const { held } = stage.limit('key:ci', 'inputTokens')
    for (const text of ['a'.repeat(360), 'b']) {
      const asked = stage.asked.at(-1)!
      asked.sink!.head(200, STREAM)
      asked.sink!.data(bytes(text))
      // What the first one read, and the second may read: the prompt again, and the text by what such texts count.
      if (text === 'b') expect(stage.limit('key:ci', 'inputTokens').held).toBe(12 + held + Math.ceil(360 / 3.4))
      asked.sink!.fail({ kind: 'cut', message: 'reset' })
    }
    const inputs = stage.records[0]!.attempts.map(({ usage }) => usage!.inputTokens)
    expect(inputs).toEqual([12, Math.ceil((40 + 360) / 3.6)])
  })
})
