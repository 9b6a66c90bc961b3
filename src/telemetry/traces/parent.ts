import type { SpanContext } from '@opentelemetry/api'

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/**
 * Reads a W3C `traceparent`.
 *
 * @returns null when there is none or it is not valid: the call then begins a trace of its own
 */
export function parentOf(traceparent: string | null): SpanContext | null {
  const found = TRACEPARENT.exec(traceparent?.trim() ?? '')
  if (!found) return null
  const [, version, traceId, spanId, flags, rest] = found
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return null
  return { traceId: traceId!, spanId: spanId!, traceFlags: Number.parseInt(flags!, 16) & 1, isRemote: true }
}
