import type { Cancel, Clock } from '../../src/ports/clock.ts'

interface Event {
  readonly at: number
  readonly order: number
  readonly happen: () => void
}

/** Time that passes only from one event to the next. */
export class EventClock implements Clock {
  #now: number
  #order = 0
  readonly #events = new Set<Event>()

  constructor(now: number) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  after(delay: number, happen: () => void): Cancel {
    const event = { at: this.#now + Math.max(0, delay), order: this.#order++, happen }
    this.#events.add(event)
    return () => void this.#events.delete(event)
  }

  /** Goes on until nothing is left to happen, or until it is told that all is over. */
  run(isOver: () => boolean): void {
    while (!isOver()) {
      let next: Event | null = null
      for (const event of this.#events) {
        if (next === null || event.at < next.at || (event.at === next.at && event.order < next.order)) next = event
      }
      if (next === null) return
      this.#events.delete(next)
      this.#now = next.at
      next.happen()
    }
  }
}
