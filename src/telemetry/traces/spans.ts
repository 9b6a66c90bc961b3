import {
  type Attributes,
  type Context,
  type HrTime,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { CallTimings } from '../../ports/observer.ts'
import { formatDollars } from '../../units/money.ts'
import type { DurationMs, EpochMs } from '../../units/time.ts'
import { type AttemptRecord, type CallRecord, decidingAttempt } from '../../vocabulary/record.ts'
import { operationOf, placeOf } from '../gen-ai/names.ts'
import { parentOf } from './parent.ts'

/**
 * Writes one span for a call and one for each attempt below it, after they have ended, with the attributes of
 * OpenTelemetry's conventions for generative AI. The call's span joins the caller's trace.
 */
export function traceCall(tracer: Tracer, record: CallRecord, timings: CallTimings): void {
  const parent = parentOf(timings.traceparent)
  const outer = parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent)
  const operation = operationOf(record.endpoint)
  const options = { kind: SpanKind.SERVER, startTime: timeOf(record.at), attributes: callAttributes(record, operation) }
  const span = tracer.startSpan(`${operation} ${record.model}`, options, outer)
  if (span.isRecording()) {
    const inner = trace.setSpan(outer, span)
    for (const attempt of record.attempts) traceAttempt(tracer, attempt, operation, inner)
  }
  if (record.outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR })
  span.end(timeOf(record.at, record.durationMs + timings.commitMs))
}

function traceAttempt(tracer: Tracer, attempt: AttemptRecord, operation: string, inner: Context): void {
  const { model } = placeOf(attempt.deployment)
  const attributes = attemptAttributes(attempt, operation)
  const options = { kind: SpanKind.CLIENT, startTime: timeOf(attempt.startedAt), attributes }
  const span = tracer.startSpan(`${operation} ${model}`, options, inner)
  if (isError(attempt)) span.setStatus({ code: SpanStatusCode.ERROR, message: attempt.outcome })
  span.end(timeOf(attempt.startedAt, attempt.durationMs))
}

/** That a rival was quicker is no error of the one that was given up for it. */
function isError({ outcome }: AttemptRecord): boolean {
  return outcome !== 'completed' && outcome !== 'superseded'
}

function callAttributes(record: CallRecord, operation: string): Attributes {
  const { caller, dollars } = record
  return present({
    'gen_ai.operation.name': operation,
    'gen_ai.request.model': record.model,
    'http.response.status_code': record.status,
    'penstock.request_id': record.id,
    'penstock.outcome': record.outcome,
    'penstock.key': caller.key,
    'penstock.team': caller.team,
    'penstock.user': caller.user,
    'penstock.run': caller.run,
    'penstock.streamed': record.streamed,
    'penstock.tier': record.tier,
    'penstock.queue_ms': record.queueMs > 0 ? record.queueMs : null,
    'penstock.dollars': dollars === null ? null : formatDollars(dollars),
    'error.type': record.outcome === 'failed' ? (decidingAttempt(record)?.outcome ?? 'failed') : null,
  })
}

function attemptAttributes(attempt: AttemptRecord, operation: string): Attributes {
  const { usage, dollars, timeToFirstTokenMs, outcome } = attempt
  const { provider, model } = placeOf(attempt.deployment)
  return present({
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': provider,
    'gen_ai.request.model': model,
    'gen_ai.usage.input_tokens': usage?.inputTokens,
    'gen_ai.usage.output_tokens': usage?.outputTokens,
    'gen_ai.usage.cache_read.input_tokens': usage?.cachedInputTokens,
    'gen_ai.usage.cache_write.input_tokens': usage ? usage.cacheWrite5mTokens + usage.cacheWrite1hTokens : null,
    'gen_ai.usage.reasoning.output_tokens': usage?.reasoningTokens,
    'gen_ai.response.time_to_first_chunk': timeToFirstTokenMs === null ? null : timeToFirstTokenMs / 1_000,
    'http.response.status_code': attempt.status,
    'penstock.usage_source': usage?.source,
    'penstock.dollars': dollars === null ? null : formatDollars(dollars),
    'penstock.outcome': outcome,
    'penstock.replica': attempt.replica,
    'penstock.route': attempt.route?.by,
    'penstock.expected_cached_tokens': attempt.placement?.expectedCachedTokens,
    'penstock.spill': attempt.placement?.spill?.why,
    'error.type': isError(attempt) ? outcome : null,
  })
}

function present(attributes: Readonly<Record<string, string | number | boolean | null | undefined>>): Attributes {
  const kept: Attributes = {}
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) kept[name] = value
  return kept
}

const NANOSECONDS_PER_MS = 1_000_000

/** Seconds and nanoseconds: a plain number might be taken for one of the monotonic clock. */
function timeOf(at: EpochMs, after: DurationMs = 0): HrTime {
  const ms = at + after
  const seconds = Math.floor(ms / 1_000)
  return [seconds, Math.round((ms - seconds * 1_000) * NANOSECONDS_PER_MS)]
}
