import { describe, expect, it } from 'vitest'
import type { Model } from '../../vocabulary/deployment.ts'
import type { LimitRefusal } from '../../vocabulary/limit.ts'
import type { Refusal, RefusalCause } from '../../vocabulary/refusal.ts'
import { DEFAULT_RESILIENCE } from '../../vocabulary/resilience.ts'
import { wireOf } from '../wire.ts'
import { renderModel, renderModelList } from './models.ts'
import { renderRefusal } from './refusal.ts'

const INVALID = 'invalid_request_error'
/** Cause, status, type and code of OpenAI, status and type of Anthropic, further headers. */
type PlainCause = Exclude<RefusalCause, 'limitReached' | 'priceUnknown'>
const TABLE: readonly (readonly [PlainCause, number, string, string | null, number, string, readonly string[]])[] = [
  ['invalidKey', 401, INVALID, 'invalid_api_key', 401, 'authentication_error', ['x-should-retry', 'false']],
  ['modelNotAllowed', 403, INVALID, 'model_not_allowed', 403, 'permission_error', ['x-should-retry', 'false']],
  ['modelNotFound', 404, INVALID, 'model_not_found', 404, 'not_found_error', ['x-should-retry', 'false']],
  ['notFound', 404, INVALID, 'not_found', 404, 'not_found_error', ['x-should-retry', 'false']],
  ['methodNotAllowed', 405, INVALID, 'method_not_allowed', 405, INVALID, ['x-should-retry', 'false']],
  ['malformed', 400, INVALID, null, 400, INVALID, ['x-should-retry', 'false']],
  ['tooLarge', 413, INVALID, 'request_too_large', 413, 'request_too_large', ['x-should-retry', 'false']],
  ['noDeployment', 503, 'server_error', 'no_deployment', 529, 'overloaded_error', ['retry-after', '1']],
  ['queueTimeout', 503, 'server_error', 'queue_timeout', 529, 'overloaded_error', ['retry-after', '1']],
  ['queueFull', 503, 'server_error', 'queue_full', 529, 'overloaded_error', ['retry-after', '1']],
  ['tierNotAllowed', 403, INVALID, 'tier_not_allowed', 403, 'permission_error', ['x-should-retry', 'false']],
  ['upstreamFailed', 502, 'server_error', 'upstream_failed', 502, 'api_error', []],
  ['upstreamTimeout', 504, 'server_error', 'upstream_timeout', 504, 'timeout_error', []],
  ['internal', 500, 'server_error', 'internal_error', 500, 'api_error', ['x-should-retry', 'false']],
]

describe('a refusal', () => {
  it.each(TABLE)(
    'for %s is what the table says, in both dialects',
    (cause, status, type, code, other, otherType, more) => {
      const refusal = { cause, message: 'why "not"' } as Refusal
      const headers = ['content-type', 'application/json', ...more]
      const openai = renderRefusal('openai', refusal, 'pen_1')
      expect([openai.status, openai.headers]).toEqual([status, headers])
      expect(JSON.parse(openai.body.toString())).toEqual({ error: { message: 'why "not"', type, param: null, code } })
      const anthropic = renderRefusal('anthropic', refusal, 'pen_1')
      expect([anthropic.status, anthropic.headers]).toEqual([other, headers])
      expect(JSON.parse(anthropic.body.toString())).toEqual({
        type: 'error',
        error: { type: otherType, message: 'why "not"' },
        request_id: 'pen_1',
      })
    },
  )

  it.each([
    ['queueFull', 1, '1'],
    ['queueFull', 0, '1'],
    ['queueFull', 1_000, '1'],
    ['queueTimeout', 1_001, '2'],
    ['queueTimeout', 59_999.5, '60'],
    ['noDeployment', 15_000, '15'],
  ] as const)('for %s that %d ms mend says so in whole seconds: %s', (cause, retryAfterMs, seconds) => {
    for (const dialect of ['openai', 'anthropic'] as const) {
      const { headers } = renderRefusal(dialect, { cause, message: 'x', retryAfterMs }, null)
      expect(headers).toEqual(['content-type', 'application/json', 'retry-after', seconds])
    }
  })

  it('gives headers of its own to whoever adds to them', () => {
    const refusal: Refusal = { cause: 'malformed', message: 'x' }
    renderRefusal('openai', refusal, null).headers.push('x', 'y')
    expect(renderRefusal('openai', refusal, null).headers).not.toContain('x')
  })
})

const LIMIT: LimitRefusal = {
  kind: 'refuse',
  limit: 'lim_0123456789abc',
  scope: 'key:ci',
  unit: 'requests',
  window: { sliding: '1m' },
  amount: 60,
  used: 59,
  held: 1,
  left: 0,
  resetsAt: Date.parse('2026-01-02T03:04:05.678Z'),
  cause: 'rate',
  need: 1,
  retryAfterMs: 4_001,
  shouldRetry: true,
  exceedsWhole: false,
}

/** Cause of the limit, status, type and code of OpenAI, status and type of Anthropic. */
const LIMIT_TABLE: readonly (readonly [LimitRefusal['cause'], number, string, string, number, string])[] = [
  ['rate', 429, 'rate_limit_exceeded', 'rate_limit_exceeded', 429, 'rate_limit_error'],
  ['quota', 429, 'insufficient_quota', 'limit_reached', 402, 'billing_error'],
  ['price', 403, INVALID, 'price_unknown', 403, 'permission_error'],
]

/** A limit's own words on asking again, and the headers that they become. */
const RETRY_TABLE: readonly (readonly [Partial<LimitRefusal>, readonly string[]])[] = [
  [{ shouldRetry: true, retryAfterMs: 4_001 }, ['retry-after', '5']],
  [{ shouldRetry: true, retryAfterMs: 4_000 }, ['retry-after', '4']],
  [{ shouldRetry: true, retryAfterMs: 0 }, ['retry-after', '1']],
  [{ shouldRetry: true, retryAfterMs: null }, []],
  [{ shouldRetry: false, retryAfterMs: 86_400_000 }, ['x-should-retry', 'false', 'retry-after', '86400']],
  [{ shouldRetry: false, retryAfterMs: null }, ['x-should-retry', 'false']],
]

function refusalBy(changes: Partial<LimitRefusal>): Refusal {
  const limit = { ...LIMIT, ...changes }
  return { cause: limit.cause === 'price' ? 'priceUnknown' : 'limitReached', message: 'key:ci is full', limit }
}

describe('a refusal by a limit', () => {
  it.each(LIMIT_TABLE)('for %s is what the table says, in both dialects', (cause, status, type, code, other, kind) => {
    const refusal = refusalBy({ cause })
    const openai = renderRefusal('openai', refusal, null)
    expect(openai.status).toBe(status)
    expect(JSON.parse(openai.body.toString()).error).toMatchObject({ message: 'key:ci is full', type, code })
    const anthropic = renderRefusal('anthropic', refusal, 'pen_1')
    expect(anthropic.status).toBe(other)
    expect(JSON.parse(anthropic.body.toString())).toMatchObject({
      type: 'error',
      error: { type: kind, message: 'key:ci is full' },
    })
  })

  it.each(RETRY_TABLE)('that says %j of asking again has the headers %j in both dialects', (changes, headers) => {
    for (const dialect of ['openai', 'anthropic'] as const) {
      const expected = ['content-type', 'application/json', ...headers]
      expect(renderRefusal(dialect, refusalBy(changes), null).headers).toEqual(expected)
    }
  })

  it('tells the limit beside its message: counts as numbers, no id of the limit', () => {
    const { scope, unit, window, amount, used, held } = LIMIT
    const penstock = { scope, unit, window, amount, used, held, resetsAt: '2026-01-02T03:04:05.678Z' }
    for (const dialect of ['openai', 'anthropic'] as const) {
      const body = JSON.parse(renderRefusal(dialect, refusalBy({}), null).body.toString())
      expect(body.error.penstock).toEqual(penstock)
    }
  })

  it('tells money as decimal strings, and nulls where there is no window and no reset', () => {
    const limit = {
      unit: 'dollars',
      window: null,
      amount: 9_000_000_000_000_000,
      used: 1,
      held: 0,
      resetsAt: null,
    } as const
    const body = JSON.parse(renderRefusal('openai', refusalBy({ cause: 'quota', ...limit }), null).body.toString())
    expect(body.error.penstock).toEqual({
      ...limit,
      scope: 'key:ci',
      amount: '9000000',
      used: '0.000000001',
      held: '0',
    })
  })
})

describe('the frames of a stream', () => {
  it('close it with a comment that stays one line, whatever it says', () => {
    const comment = Buffer.from(wireOf('messages').closingComment({ id: 'pen_1', dollars: null, note: 'a\r\nb\n\nc' }))
    expect(comment.toString()).toBe(': penstock {"id":"pen_1","dollars":null,"note":"a\\r\\nb\\n\\nc"}\n\n')
  })

  it('tell an error in the dialect', () => {
    const refusal: Refusal = { cause: 'upstreamFailed', message: 'it broke\n' }
    const frame = (endpoint: 'chat/completions' | 'messages' | 'responses') =>
      Buffer.from(wireOf(endpoint).streamError(refusal, 'pen_1')).toString()
    const error = '{"message":"it broke\\n","type":"server_error","param":null,"code":"upstream_failed"}'
    expect(frame('chat/completions')).toBe(`data: {"error":${error}}\n\n`)
    expect(frame('responses')).toBe(
      `event: error\ndata: {"type":"error","code":"upstream_failed","message":"it broke\\n","param":null,"error":${error}}\n\n`,
    )
    expect(frame('messages')).toBe(
      'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"it broke\\n"},"request_id":"pen_1"}\n\n',
    )
  })
})

describe('models', () => {
  const createdAt = Date.parse('2026-01-02T03:04:05.678Z')
  const models: readonly Model[] = Array.from({ length: 25 }, (_, i) => ({
    name: `m${i}`,
    deployments: [],
    route: 'inOrder',
    maxOutputTokens: null,
    resilience: DEFAULT_RESILIENCE,
    createdAt,
  }))
  const list = (options: Parameters<typeof renderModelList>[2], dialect: 'openai' | 'anthropic' = 'anthropic') => {
    const rendered = renderModelList(dialect, models, options)
    if ('fault' in rendered) return rendered.fault
    const { data, ...rest } = JSON.parse(rendered.body.toString())
    return { ids: data.map((model: { id: string }) => model.id), ...rest }
  }
  const names = (from: number, to: number) => models.slice(from, to).map(model => model.name)

  it('are told one by one in both shapes', () => {
    expect(JSON.parse(renderModel('openai', models[0]!).toString())).toEqual({
      id: 'm0',
      object: 'model',
      created: 1_767_323_045,
      owned_by: 'penstock',
    })
    expect(JSON.parse(renderModel('anthropic', models[0]!).toString())).toEqual({
      type: 'model',
      id: 'm0',
      display_name: 'm0',
      created_at: '2026-01-02T03:04:05.678Z',
    })
  })

  it('are listed whole in OpenAI’s shape', () => {
    expect(list({ limit: '3' }, 'openai')).toEqual({ ids: names(0, 25), object: 'list' })
  })

  it.each([
    [{}, names(0, 20), true],
    [{ limit: '1000' }, names(0, 25), false],
    [{ limit: '5', afterId: 'm3' }, names(4, 9), true],
    [{ limit: '5', afterId: 'm19' }, names(20, 25), false],
    [{ limit: '5', beforeId: 'm7' }, names(2, 7), true],
    [{ limit: '5', beforeId: 'm5' }, names(0, 5), false],
    [{ limit: '5', beforeId: 'm0' }, [], false],
  ])('are listed in pages in Anthropic’s shape: %j', (options, ids, has_more) => {
    expect(list(options)).toEqual({ ids, has_more, first_id: ids[0] ?? null, last_id: ids.at(-1) ?? null })
  })

  it.each([
    [{ limit: '0' }, 'limit: expected a whole number from 1 to 1000'],
    [{ limit: '' }, 'limit: expected a whole number from 1 to 1000'],
    [{ limit: '1.5' }, 'limit: expected a whole number from 1 to 1000'],
    [{ limit: '1001' }, 'limit: expected a whole number from 1 to 1000'],
    [{ afterId: 'nothing' }, 'after_id: expected the id of a listed model'],
    [{ beforeId: '' }, 'before_id: expected the id of a listed model'],
    [{ afterId: 'm1', beforeId: 'm2' }, 'expected either after_id or before_id, not both'],
  ])('are not listed by a query that makes no sense: %j', (options, fault) => {
    expect(list(options)).toBe(fault)
  })
})
