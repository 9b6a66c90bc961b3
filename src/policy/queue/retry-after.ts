import type { DurationMs } from '../../units/time.ts'

/** A caller that the queue refused is asked to wait for at least, and at most, so long. */
export const MIN_RETRY_AFTER_MS: DurationMs = 1_000
export const MAX_RETRY_AFTER_MS: DurationMs = 60_000

/** How fast places came free lately, and how many wait for them. */
export interface QueuePace {
  /** Places that came free. */
  readonly freed: number
  /** In so long. */
  readonly overMs: DurationMs
  /** Calls that wait for them. */
  readonly waiting: number
}

/**
 * When a caller that the queue refused should ask again: when those who wait now will have started and one more place
 * comes free, at the pace of late. Where none came free, one is taken to come free now: the pace is no better than that.
 *
 * @returns whole seconds in milliseconds, from 1 to 60 seconds
 */
export function retryAfterMs({ freed, overMs, waiting }: QueuePace): DurationMs {
  const untilFreeMs = ((waiting + 1) * overMs) / Math.max(1, freed)
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(MIN_RETRY_AFTER_MS, Math.ceil(untilFreeMs / 1_000) * 1_000))
}
