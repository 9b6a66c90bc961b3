import type { DurationMs, EpochMs, MonotonicMs } from '../units/time.ts'

/** Cancels what it was returned for; harmless when that has happened already. */
export type Cancel = () => void

/** Time as the world tells it: the real one in production, a virtual one in tests and rehearsals. */
export interface Clock {
  now(): EpochMs
  monotonic(): MonotonicMs
  /** Calls back once after at least this long, never within the call itself. */
  after(delay: DurationMs, callback: () => void): Cancel
}
