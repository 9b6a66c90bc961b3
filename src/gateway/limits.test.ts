import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SECRET, type Stage, startStage } from './stage.fixture.ts'

const LIMITS = [
  { scope: 'each:run', unit: 'requests', amount: 1, window: { sliding: '1h' } },
  { scope: 'key:ci', unit: 'dollars', amount: '2.5', window: 'total' },
  { scope: 'key:ci', unit: 'concurrency', amount: 8 },
  { scope: 'run:long', unit: 'outputTokens', amount: 20, window: 'total' },
  { scope: 'key:other', unit: 'requests', amount: 1, window: 'total' },
]
const ANSWER = '{"choices":[],"content":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}'

/** Streams without end, whatever maximum it was asked for. */
function babble(response: ServerResponse): void {
  response.setHeader('content-type', 'text/event-stream')
  const choices = [{ index: 0, delta: { content: 'and so on ' }, finish_reason: null }]
  const frame = `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`
  const timer = setInterval(() => response.write(frame), 1)
  response.on('close', () => clearInterval(timer))
}

let stage: Stage
beforeAll(async () => {
  stage = await startStage((_request, response, body) => {
    if (body.includes('"stream":true')) return babble(response)
    response.setHeader('content-type', 'application/json')
    response.setHeader('X-RateLimit-Limit-Requests', '10000')
    response.setHeader('x-ratelimit-limit-tokens', '7')
    response.end(ANSWER)
  }, LIMITS)
})
afterAll(() => stage.close())

const KEY = { authorization: `Bearer ${SECRET}` }
const ask = (headers: Record<string, string>, path = 'chat/completions', model = 'fast') =>
  fetch(`${stage.url}/v1/${path}`, {
    method: 'POST',
    headers: { ...KEY, ...headers },
    body: JSON.stringify({ model, max_tokens: 5, messages: [] }),
  })
const read = (headers: Record<string, string> = KEY, method = 'GET') =>
  fetch(`${stage.url}/v1/limits`, { method, headers })

interface Body {
  readonly error: { readonly message: string }
  readonly limits: readonly { readonly scope: string; readonly unit: string }[]
}
const bodyOf = async (answer: Response) => (await answer.json()) as Body

/** Headers, and what the refusal must say. */
const FAULTS: readonly (readonly [Record<string, string>, string])[] = [
  [{ 'x-penstock-run': 'r', 'x-penstock-run-budget': 'plenty' }, 'x-penstock-run-budget: expected dollars'],
  [{ 'x-penstock-run': 'r', 'x-penstock-run-budget': '-1' }, 'x-penstock-run-budget: expected dollars'],
  [{ 'x-penstock-run-budget': '1' }, 'x-penstock-run beside it'],
  [{ 'x-penstock-max-dollars': '1e3' }, 'x-penstock-max-dollars: expected dollars'],
]

describe('a caller of the gateway', () => {
  it.each(FAULTS)('whose bound %j cannot be kept is refused before anything is spent', async (headers, sentence) => {
    const before = stage.records.length
    const answer = await ask(headers)
    expect(answer.status).toBe(400)
    expect((await bodyOf(answer)).error.message).toContain(sentence)
    expect(stage.records).toHaveLength(before)
  })

  it('is held to the cap that it sets for a call', async () => {
    const answer = await ask({ 'x-penstock-max-dollars': '0.000000001' })
    expect(answer.status).toBe(429)
    expect(answer.headers.get('x-should-retry')).toBe('false')
    expect((await bodyOf(answer)).error).toMatchObject({
      code: 'limit_reached',
      penstock: { scope: 'call', unit: 'dollars', amount: '0.000000001' },
    })
    expect((await ask({ 'x-penstock-max-dollars': '0.5' })).status).toBe(200)
  })

  it('is held to the budget of its run, in whichever dialect it asks', async () => {
    const run = { 'x-penstock-run': 'thrifty', 'x-penstock-run-budget': '0' }
    const answer = await ask(run, 'messages', 'claude')
    expect(answer.status).toBe(402)
    expect((await bodyOf(answer)).error).toMatchObject({
      type: 'billing_error',
      penstock: { scope: 'run:thrifty', unit: 'dollars', amount: '0', used: '0', held: '0', resetsAt: null },
    })
  })

  it('is told by a sliding limit when to come back, and before that how much room it has', async () => {
    const run = { 'x-penstock-run': 'r1' }
    const served = await ask(run)
    expect(served.headers.get('x-ratelimit-limit-requests')).toBe('1')
    expect(served.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    // What the upstream says of its own limits stays where ours say nothing.
    expect(served.headers.get('x-ratelimit-limit-tokens')).toBe('7')
    const refused = await ask(run)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_500)
    expect((await bodyOf(refused)).error).toMatchObject({
      code: 'rate_limit_exceeded',
      penstock: { scope: 'run:r1', window: { sliding: '1h' }, amount: 1, used: 1 },
    })
  })
})

describe('a stream that outruns its hold', () => {
  it('ends where a limit has no more room as at its maximum length, and says in its comment that it was limited', async () => {
    const answer = await fetch(`${stage.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { ...KEY, 'x-penstock-run': 'long' },
      body: JSON.stringify({ model: 'fast', stream: true, max_tokens: 5, messages: [] }),
    })
    const frames = (await answer.text()).split('\n\n')
    const [cut, comment, done, rest] = frames.slice(-4)
    expect([done, rest]).toEqual(['data: [DONE]', ''])
    expect(comment).toMatch(/^: penstock .*"limited":true/)
    expect(JSON.parse(cut!.slice('data: '.length))).toEqual({
      ...{ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm' },
      choices: [{ index: 0, delta: {}, finish_reason: 'length' }],
    })
    expect(stage.records.at(-1)).toMatchObject({ outcome: 'completed', limited: true })
    // To the last token that there is room for, as its bytes tell.
    const { used, held } = stage.limits('long').find(limit => limit.scope === 'run:long')!
    expect([used > 10 && used <= 20, held]).toEqual([true, 0])
  })
})

describe('GET /v1/limits', () => {
  it('shows the limits that bind the caller and its run, without ids of their own', async () => {
    await ask({ 'x-penstock-run': 'r2', 'x-penstock-run-budget': '0.75' })
    const plain = await bodyOf(await read())
    expect(plain.limits.map(limit => [limit.scope, limit.unit])).toEqual([
      ['key:ci', 'dollars'],
      ['key:ci', 'concurrency'],
    ])
    expect(plain.limits[0]).toMatchObject({ amount: '2.5', window: 'total', held: '0', resetsAt: null })
    expect(plain.limits[1]).toEqual({
      scope: 'key:ci',
      unit: 'concurrency',
      window: null,
      amount: 8,
      used: 0,
      held: 0,
      left: 8,
      resetsAt: null,
    })
    const { limits } = await bodyOf(await read({ ...KEY, 'x-penstock-run': 'r2' }))
    expect(limits).toContainEqual(expect.objectContaining({ scope: 'run:r2', unit: 'requests', used: 1, left: 0 }))
    expect(limits).toContainEqual(expect.objectContaining({ scope: 'run:r2', unit: 'dollars', amount: '0.75' }))
    expect(JSON.stringify(limits)).not.toContain('lim_')
  })

  it('answers HEAD, needs a key, and refuses what it cannot read', async () => {
    expect((await read(KEY, 'HEAD')).status).toBe(200)
    expect((await read({})).status).toBe(401)
    expect((await read({ authorization: 'Bearer sk-nobody' })).status).toBe(401)
    expect((await read(KEY, 'POST')).status).toBe(405)
    expect((await read({ ...KEY, 'x-penstock-run': 'r'.repeat(300) })).status).toBe(400)
  })
})
