import type { Cancel, Clock } from '../../ports/clock.ts'

export const START = Date.UTC(2026, 8, 1)

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** Time that passes from one timer to the next, with what was promised in between; and the number of each thing that happens in it. */
export class VirtualTime implements Clock {
  #now = START
  #events = 0
  readonly #timers: Timer[] = []

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now - START
  }

  after(delay: number, callback: () => void): Cancel {
    const timer = { at: this.#now + Math.max(0, delay), callback }
    this.#timers.push(timer)
    return () => this.#remove(timer)
  }

  get timers(): number {
    return this.#timers.length
  }

  /** The place of something among all that happens, since many things happen at one moment. */
  event(): number {
    return this.#events++
  }

  /** Lets everything happen that is due within so long, in its order. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms
    for (let next = this.#next(until); next !== null; next = this.#next(until)) {
      this.#remove(next)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
      // What was promised, and what is promised by that.
      for (let turns = 0; turns < 3; turns++) await null
    }
    this.#now = until
  }

  /** As `pass`, for what promises nothing. */
  passAtOnce(ms: number): void {
    const until = this.#now + ms
    for (let next = this.#next(until); next !== null; next = this.#next(until)) {
      this.#remove(next)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
    }
    this.#now = until
  }

  #remove(timer: Timer): void {
    const place = this.#timers.indexOf(timer)
    if (place >= 0) this.#timers.splice(place, 1)
  }

  #next(until: number): Timer | null {
    let first: Timer | null = null
    for (const timer of this.#timers) if (timer.at <= until && (first === null || timer.at < first.at)) first = timer
    return first
  }
}
