import type { DurationMs } from '../units/time.ts'
import type { CallId } from '../vocabulary/id.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import type { RefusalCause } from '../vocabulary/refusal.ts'

/** What happened beside the record of a call: for metrics, traces and the log. */
export interface CallTimings {
  /** Time that Penstock itself took, without waiting for the upstream or the disk. */
  readonly gatewayMs: DurationMs
  readonly queueMs: DurationMs
  readonly upstreamMs: DurationMs
  /** From handing the record to the ledger until it was on disk. */
  readonly commitMs: DurationMs
  /** The caller's W3C `traceparent`; null when it sent none. */
  readonly traceparent: string | null
}

/** Told of what happens; must be quick and must not throw. */
export interface Observer {
  callStarted(): void
  callEnded(record: CallRecord, timings: CallTimings): void
  /** The record of a call that reached an upstream could not be written; its answer was withheld. */
  recordLost(record: CallRecord, failure: Error): void
  /**
   * A call that ended before it had an attempt.
   *
   * @param call the one that `callStarted` was told of; nothing for a request that never became a call
   */
  callRefused(cause: RefusalCause, status: number, key: string | null, call?: RefusedCall): void
}

/** What is known of a call that was refused; null where the thread that had it died. */
export interface RefusedCall {
  readonly id: CallId | null
  readonly model: string | null
}
