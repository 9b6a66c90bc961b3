import type { Cancel, Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'

/** The real clock. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, callback): Cancel {
    const timer = setTimeout(callback, delay)
    return () => clearTimeout(timer)
  },
}

/** Real chance, for draws between equals; nothing that has to be kept secret. */
export const SYSTEM_RANDOM: Random = { next: () => Math.random() }
