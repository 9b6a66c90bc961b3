import type { Cancel, Clock } from '../ports/clock.ts'

/** The real clock. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, callback): Cancel {
    const timer = setTimeout(callback, delay)
    return () => clearTimeout(timer)
  },
}
