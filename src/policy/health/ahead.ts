import type { DurationMs, EpochMs } from '../../units/time.ts'

/**
 * Whether a moment has yet to come that was at most so far ahead when it was set. One that is more than twice as far
 * ahead was set before the clock was put back: nobody waits for it.
 */
export function isAhead(until: EpochMs, now: EpochMs, mostMs: DurationMs): boolean {
  return now < until && until - now <= 2 * mostMs
}
