import type { DurationMs } from '../../units/time.ts'
import type { DialectName } from '../../vocabulary/dialect.ts'
import { type LimitRefusal, takenOf } from '../../vocabulary/limit.ts'
import type { Refusal, RefusalCause } from '../../vocabulary/refusal.ts'

/** How one cause of a refusal looks in both dialects. */
interface RefusalForm {
  readonly status: number
  readonly type: string
  readonly code: string | null
  readonly anthropicStatus: number
  readonly anthropicType: string
  /** False where asking again cannot help: clients are told so, since they repeat many statuses by themselves. */
  readonly retry: boolean
  /** Seconds after which asking again may help; null where nobody knows. */
  readonly retryAfterSeconds: number | null
}

/** A refusal that the caller itself can mend. */
function callers(status: number, code: string | null, anthropicType: string): RefusalForm {
  const type = 'invalid_request_error'
  return { status, type, code, anthropicStatus: status, anthropicType, retry: false, retryAfterSeconds: null }
}

/** A refusal that time mends. */
function busy(code: string): RefusalForm {
  const openai = { status: 503, type: 'server_error', code }
  return { ...openai, anthropicStatus: 529, anthropicType: 'overloaded_error', retry: true, retryAfterSeconds: 1 }
}

type PlainCause = Exclude<RefusalCause, 'limitReached' | 'priceUnknown'>

/** The one table of refusals, but for those by a limit. */
const FORMS: Readonly<Record<PlainCause, RefusalForm>> = {
  invalidKey: callers(401, 'invalid_api_key', 'authentication_error'),
  modelNotAllowed: callers(403, 'model_not_allowed', 'permission_error'),
  modelNotFound: callers(404, 'model_not_found', 'not_found_error'),
  notFound: callers(404, 'not_found', 'not_found_error'),
  methodNotAllowed: callers(405, 'method_not_allowed', 'invalid_request_error'),
  malformed: callers(400, null, 'invalid_request_error'),
  tooLarge: callers(413, 'request_too_large', 'request_too_large'),
  noDeployment: busy('no_deployment'),
  queueTimeout: busy('queue_timeout'),
  queueFull: busy('queue_full'),
  tierNotAllowed: callers(403, 'tier_not_allowed', 'permission_error'),
  upstreamFailed: {
    status: 502,
    type: 'server_error',
    code: 'upstream_failed',
    anthropicStatus: 502,
    anthropicType: 'api_error',
    retry: true,
    retryAfterSeconds: null,
  },
  upstreamTimeout: {
    status: 504,
    type: 'server_error',
    code: 'upstream_timeout',
    anthropicStatus: 504,
    anthropicType: 'timeout_error',
    retry: true,
    retryAfterSeconds: null,
  },
  // What failed inside has been paid for already; to repeat it would pay again.
  internal: {
    status: 500,
    type: 'server_error',
    code: 'internal_error',
    anthropicStatus: 500,
    anthropicType: 'api_error',
    retry: false,
    retryAfterSeconds: null,
  },
}

/** Refusals by a limit; whether and when to ask again is the limit's to say. */
const LIMIT_FORMS: Readonly<Record<LimitRefusal['cause'], RefusalForm>> = {
  rate: {
    ...callers(429, 'rate_limit_exceeded', 'rate_limit_error'),
    type: 'rate_limit_exceeded',
  },
  // Anthropic's clients repeat every 429; 402 is what their own servers say when the money is gone.
  quota: {
    ...callers(429, 'limit_reached', 'billing_error'),
    type: 'insufficient_quota',
    anthropicStatus: 402,
  },
  price: callers(403, 'price_unknown', 'permission_error'),
}

/** Rounded up, since a call that comes too early is refused once more. */
function inSeconds(wait: DurationMs): number {
  return Math.max(1, Math.ceil(wait / 1_000))
}

function formOf(refusal: Refusal): RefusalForm {
  if (!('limit' in refusal)) {
    const form = FORMS[refusal.cause]
    if (!('retryAfterMs' in refusal) || refusal.retryAfterMs === undefined) return form
    return { ...form, retryAfterSeconds: inSeconds(refusal.retryAfterMs) }
  }
  const { cause, shouldRetry, retryAfterMs } = refusal.limit
  const retryAfterSeconds = retryAfterMs === null ? null : inSeconds(retryAfterMs)
  return { ...LIMIT_FORMS[cause], retry: shouldRetry, retryAfterSeconds }
}

/** A refusal ready to be sent, but for the headers that name the call. */
export interface RenderedRefusal {
  readonly status: number
  /** Names and values in turn. */
  readonly headers: string[]
  readonly body: Buffer
}

/** @param id of the call; null when it never became one */
export function renderRefusal(dialect: DialectName, refusal: Refusal, id: string | null): RenderedRefusal {
  const form = formOf(refusal)
  const headers = ['content-type', 'application/json']
  if (!form.retry) headers.push('x-should-retry', 'false')
  if (form.retryAfterSeconds !== null) headers.push('retry-after', form.retryAfterSeconds.toString())
  const inAnthropic = dialect === 'anthropic'
  const body = inAnthropic ? anthropicError(refusal, id) : { error: openaiError(refusal) }
  return { status: inAnthropic ? form.anthropicStatus : form.status, headers, body: Buffer.from(JSON.stringify(body)) }
}

/** The body of an error in Anthropic's dialect; the data of an `error` event is the same. */
export function anthropicError(refusal: Refusal, id: string | null) {
  const { anthropicType } = formOf(refusal)
  const error = { type: anthropicType, message: refusal.message, ...limitOf(refusal) }
  return { type: 'error', error, request_id: id }
}

/** What stands under `error` in OpenAI's dialect. */
export function openaiError(refusal: Refusal) {
  const { type, code } = formOf(refusal)
  return { message: refusal.message, type, param: null, code, ...limitOf(refusal) }
}

/** What a refusal by a limit says of it besides its sentence; nothing in any other. */
function limitOf(refusal: Refusal) {
  if (!('limit' in refusal)) return {}
  return { penstock: takenOf(refusal.limit) }
}
