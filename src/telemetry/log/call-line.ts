import type { CallTimings } from '../../ports/observer.ts'
import { formatDollars } from '../../units/money.ts'
import type { DurationMs } from '../../units/time.ts'
import { type AttemptRecord, type CallRecord, decidingAttempt } from '../../vocabulary/record.ts'

/**
 * The line of one call, its end included: one JSON object. Assembled by hand, because it stands on the path of every call
 * and a general serializer takes several times as long over twenty fields. Names are quoted as JSON; nothing else can
 * hold a character that needs it. It holds no secret and nothing of prompt or answer.
 *
 * @param time RFC 3339
 */
export function callLine(record: CallRecord, timings: CallTimings, time: string): string {
  const { attempts, outcome, status, streamed } = record
  let inputTokens = 0
  let cachedInputTokens = 0
  let outputTokens = 0
  for (const { usage } of attempts) {
    if (usage === null) continue
    inputTokens += usage.inputTokens
    cachedInputTokens += usage.cachedInputTokens
    outputTokens += usage.outputTokens
  }
  const last = decidingAttempt(record)
  const level = outcome === 'failed' ? 'warn' : 'info'
  const cause = last === undefined || last.outcome === 'completed' ? '' : `,"cause":"${last.outcome}"`
  const tier = record.tier === null ? '' : `,"tier":${JSON.stringify(record.tier)}`
  const queued = record.queueMs > 0 ? `,"queueMs":${milliseconds(record.queueMs)}` : ''
  return (
    `{"level":"${level}","time":"${time}","msg":"call","id":"${record.id}","key":${JSON.stringify(record.caller.key)}` +
    `,"model":${JSON.stringify(record.model)},"deployment":${last ? JSON.stringify(last.deployment) : null}` +
    `${tier},"endpoint":"${record.endpoint}","streamed":${streamed},"status":${status},"outcome":"${outcome}"${cause}` +
    `,"attempts":${attempts.length}${attempts.length > 1 ? `,"tried":[${attempts.map(tried).join()}]` : ''},"inputTokens":${inputTokens},"cachedInputTokens":${cachedInputTokens}` +
    `,"outputTokens":${outputTokens},"dollars":${record.dollars === null ? null : `"${formatDollars(record.dollars)}"`}` +
    `,"durationMs":${milliseconds(record.durationMs)},"timeToFirstTokenMs":${milliseconds(record.timeToFirstTokenMs)}` +
    `${queued},"gatewayMs":${milliseconds(timings.gatewayMs)},"upstreamMs":${milliseconds(timings.upstreamMs)}` +
    `,"commitMs":${milliseconds(timings.commitMs)}}\n`
  )
}

/** Where one of several attempts went, and how it ended. */
function tried({ deployment, replica, outcome, durationMs }: AttemptRecord): string {
  const at = replica === null ? '' : `,"replica":${replica}`
  return `{"deployment":${JSON.stringify(deployment)}${at},"outcome":"${outcome}","durationMs":${milliseconds(durationMs)}}`
}

/** Whole microseconds: what a clock measures beyond them is noise. */
function milliseconds(value: DurationMs | null): number | null {
  return value === null ? null : Math.round(value * 1_000) / 1_000
}
