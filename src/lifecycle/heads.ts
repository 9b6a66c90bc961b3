import type { Clock } from '../ports/clock.ts'
import type { RawHeaders } from '../ports/engine.ts'
import { formatDollars } from '../units/money.ts'
import type { DurationMs } from '../units/time.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import type { Attempt } from './attempt.ts'
import type { Call, RenderedRefusal } from './call.ts'

/** Milliseconds as `server-timing` carries them: three decimals are a microsecond. */
function milliseconds(duration: DurationMs): string {
  return (Math.round(Math.max(0, duration) * 1000) / 1000).toString()
}

function serverTiming(timing: { gatewayMs: DurationMs; upstreamMs: DurationMs; commitMs: DurationMs | null }): string {
  const { gatewayMs, upstreamMs, commitMs } = timing
  const known = `gateway;dur=${milliseconds(gatewayMs)}, queue;dur=0, upstream;dur=${milliseconds(upstreamMs)}`
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
  attempts: number,
  clock: Clock,
): { status: number; headers: RawHeaders } {
  const headers = answerHead(call, attempt, attempts)
  const upstreamMs = attempt.headAt! - attempt.started
  const gatewayMs = clock.monotonic() - call.arrived - upstreamMs
  headers.push('server-timing', serverTiming({ gatewayMs, upstreamMs, commitMs: null }))
  return { status: attempt.status!, headers }
}

/** Headers of a plain answer, sent when its record is on disk. */
export function plainHeaders(
  call: Call,
  attempt: Attempt,
  record: CallRecord,
  sent: { readonly commitMs: DurationMs; readonly bytes: number },
): RawHeaders {
  const headers = answerHead(call, attempt, record.attempts.length)
  if (record.dollars !== null) headers.push('x-penstock-dollars', formatDollars(record.dollars))
  const upstreamMs = attempt.endedAt! - attempt.started
  const gatewayMs = record.durationMs - upstreamMs
  headers.push('server-timing', serverTiming({ gatewayMs, upstreamMs, commitMs: sent.commitMs }))
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
  headers.push('server-timing', serverTiming({ gatewayMs: record.durationMs - upstreamMs, upstreamMs, commitMs: null }))
  return headers
}

/** What the comment that closes a stream says. */
export function closingFields(record: CallRecord): Readonly<Record<string, string | null>> {
  return { id: record.id, dollars: record.dollars === null ? null : formatDollars(record.dollars) }
}
