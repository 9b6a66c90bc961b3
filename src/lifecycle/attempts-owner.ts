import type { DurationMs, EpochMs } from '../units/time.ts'
import type { AttemptRecord } from '../vocabulary/record.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import type { Attempt } from './attempt.ts'
import type { Choice } from './choice.ts'

/** What the attempts of a call tell its life. */
export interface AttemptsOwner {
  /** An attempt ended, and is to be metered: its record. */
  metered(attempt: Attempt): AttemptRecord
  /** The answer of this one is shown; `made` attempts were begun until now. */
  streamBegan(attempt: Attempt, made: number): void
  show(attempt: Attempt, bytes: Uint8Array): void
  grew(attempt: Attempt): void
  /** It waited for a place on an engine. */
  queued(ms: DurationMs): void
  /** Nothing more is tried, and nothing is under way any more. */
  over(end: AttemptsEnd): void
}

/** How the attempts of a call ended. */
export interface AttemptsEnd {
  /** The one that answered, or that failed last; null when none was made. */
  readonly attempt: Attempt | null
  /** When asking again may help; null where nobody knows. */
  readonly retryAt: EpochMs | null
  /** Who could not be asked, and why; null where that did not matter, or where time was up. */
  readonly choice: Choice | null
  /** What the queue for places said; null where that is not why it ended. */
  readonly refusal: Refusal | null
}
