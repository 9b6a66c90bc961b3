import { warningSentence } from '../policy/limits/refusal.ts'
import type { Clock } from '../ports/clock.ts'
import type { RawHeaders } from '../ports/engine.ts'
import { formatDollars } from '../units/money.ts'
import type { DurationMs, EpochMs } from '../units/time.ts'
import type { LimitView } from '../vocabulary/limit.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import type { Admitted } from './admit.ts'
import type { Attempt } from './attempt.ts'
import type { Call, RenderedRefusal } from './call.ts'

/** Milliseconds as `server-timing` carries them: three decimals are a microsecond. */
function milliseconds(duration: DurationMs): string {
  return (Math.round(Math.max(0, duration) * 1000) / 1000).toString()
}

interface Timing {
  readonly gatewayMs: DurationMs
  readonly queueMs: DurationMs
  readonly upstreamMs: DurationMs
  /** Null where nothing is known of it yet. */
  readonly commitMs: DurationMs | null
}

function serverTiming({ gatewayMs, queueMs, upstreamMs, commitMs }: Timing): string {
  const waits = `queue;dur=${milliseconds(queueMs)}, upstream;dur=${milliseconds(upstreamMs)}`
  const known = `gateway;dur=${milliseconds(gatewayMs)}, ${waits}`
  return commitMs === null ? known : `${known}, commit;dur=${milliseconds(commitMs)}`
}

/** The upstream's headers with ours: which request it was, who answered, in how many attempts. */
function answerHead(call: Call, attempt: Attempt, attempts: number): string[] {
  const headers = call.dialect.answerHeaders(attempt.headers).slice() as string[]
  let named = false
  for (let i = 0; i < headers.length && !named; i += 2) named = headers[i] === call.dialect.requestIdHeader
  if (!named) headers.push(call.dialect.requestIdHeader, call.id)
  headers.push('x-penstock-request-id', call.id, 'x-penstock-deployment', attempt.deployment.name)
  headers.push('x-penstock-attempts', attempts.toString())
  return headers
}

/** Headers of a stream, sent when its first bytes come. */
export function streamHeaders(
  call: Call,
  attempt: Attempt,
  { attempts, queueMs }: { readonly attempts: number; readonly queueMs: DurationMs },
  clock: Clock,
): { status: number; headers: RawHeaders } {
  const headers = answerHead(call, attempt, attempts)
  const upstreamMs = attempt.headAt! - attempt.started
  const gatewayMs = clock.monotonic() - call.arrived - upstreamMs - queueMs
  headers.push('server-timing', serverTiming({ gatewayMs, queueMs, upstreamMs, commitMs: null }))
  return { status: attempt.status!, headers }
}

/** Headers of a plain answer, sent when its record is on disk. */
export function plainHeaders(
  call: Call,
  attempt: Attempt,
  record: CallRecord,
  sent: { readonly commitMs: DurationMs; readonly bytes: number; readonly queueMs: DurationMs },
): RawHeaders {
  const headers = answerHead(call, attempt, record.attempts.length)
  if (record.dollars !== null) headers.push('x-penstock-dollars', formatDollars(record.dollars))
  const upstreamMs = attempt.endedAt! - attempt.started
  const { queueMs, commitMs } = sent
  const gatewayMs = record.durationMs - upstreamMs - queueMs
  headers.push('server-timing', serverTiming({ gatewayMs, queueMs, upstreamMs, commitMs }))
  headers.push('content-length', sent.bytes.toString())
  return headers
}

/** Headers of a refusal; one that comes after attempts says which and for how much. */
export function refusalHeaders(call: Call, rendered: RenderedRefusal, record: CallRecord | null): RawHeaders {
  const headers = [...rendered.headers, 'content-length', rendered.body.length.toString()]
  headers.push(call.dialect.requestIdHeader, call.id, 'x-penstock-request-id', call.id)
  if (record === null) return headers
  headers.push('x-penstock-deployment', record.attempts.at(-1)!.deployment)
  headers.push('x-penstock-attempts', record.attempts.length.toString())
  if (record.dollars !== null) headers.push('x-penstock-dollars', formatDollars(record.dollars))
  let upstreamMs = 0
  for (const attempt of record.attempts) upstreamMs += attempt.durationMs
  headers.push(
    'server-timing',
    serverTiming({ gatewayMs: record.durationMs - upstreamMs, queueMs: 0, upstreamMs, commitMs: null }),
  )
  return headers
}

/** What the comment that closes a stream says. */
export function closingFields({ id, dollars, limited }: CallRecord): Readonly<Record<string, string | boolean | null>> {
  const fields = { id, dollars: dollars === null ? null : formatDollars(dollars) }
  return limited ? { ...fields, limited } : fields
}

/** Header values are ASCII; names of teams and tags need not be, nor even whole characters. */
function ascii(text: string): string {
  return text.toWellFormed().replace(/[^\x20-\x7e]+/g, characters => encodeURIComponent(characters))
}

/** What limits have to say in an answer's headers: where they sent the call, those that are reached but only warn, plans that overflowed, the rate. */
export function limitHeaders(call: Call, { model, warnings, overflow, rate }: Admitted, now: EpochMs): RawHeaders {
  const headers: string[] = []
  if (model !== call.model) headers.push('x-penstock-downgraded-to', ascii(model.name))
  if (overflow.length > 0) headers.push('x-penstock-overflow', overflow.join(', '))
  if (warnings.length > 0) headers.push('x-penstock-warning', ascii(warnings.map(warningSentence).join('; ')))
  if (rate !== null) headers.push(...rateHeaders(call, rate, now))
  return headers
}

/** How much room a sliding limit has, as the caller's dialect says it; nothing for other limits. */
export function rateHeaders(call: Call, view: LimitView, now: EpochMs): RawHeaders {
  const { window } = view
  const isSliding = window !== null && window !== 'total' && 'sliding' in window
  return isSliding ? call.dialect.rateLimitHeaders(view, now) : []
}

/** Ours stand in the place of the upstream's of the same name: joined, the two would be a number that is neither. */
export function withLimits(headers: RawHeaders, ours: RawHeaders): RawHeaders {
  if (ours.length === 0) return headers
  const names = new Set(ours.filter((_, at) => at % 2 === 0))
  const kept: string[] = []
  for (let at = 0; at < headers.length; at += 2) {
    if (!names.has(headers[at]!.toLowerCase())) kept.push(headers[at]!, headers[at + 1]!)
  }
  return [...kept, ...ours]
}
