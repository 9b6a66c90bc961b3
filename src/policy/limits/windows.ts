import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Window } from '../../vocabulary/limit.ts'
import { calendarPeriod, cyclePeriod, type Period } from './calendar.ts'

/** How use leaves a window: never; one by one; all at once, a while after the first; all at once, by the calendar. */
export type Passing = 'never' | 'sliding' | 'anchored' | 'periodic'

const NEVER: Period = { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY }

/** Tells the time of one limit's window. All members of an `each:` limit share it, and so the reckoning of dates. */
export class WindowClock {
  readonly passing: Passing
  /** Of sliding and anchored windows; else zero. */
  readonly lengthMs: DurationMs
  readonly #window: Window
  #period: Period = NEVER

  constructor(window: Window) {
    this.#window = window
    this.lengthMs = window.kind === 'sliding' || window.kind === 'anchored' ? window.lengthMs : 0
    switch (window.kind) {
      case 'total':
        this.passing = 'never'
        break
      case 'sliding':
      case 'anchored':
        this.passing = window.kind
        break
      case 'calendar':
      case 'cycle':
        this.passing = 'periodic'
        this.#period = { start: 0, end: 0 }
    }
  }

  /** The day, week, month or cycle that a moment lies in; all of time for windows of other kinds. */
  periodAt(at: EpochMs): Period {
    const { start, end } = this.#period
    if (at < start || at >= end) {
      const window = this.#window
      if (window.kind === 'calendar') this.#period = calendarPeriod(window.period, window.timezone, at)
      else if (window.kind === 'cycle') this.#period = cyclePeriod(window.from, at)
    }
    return this.#period
  }
}
