import type { Joules, Watts } from '../units/energy.ts'
import type { DurationMs, MonotonicMs } from '../units/time.ts'

/** A stretch of time in which an engine computed. */
export interface Stretch {
  readonly from: MonotonicMs
  readonly until: MonotonicMs
  readonly joules: Joules
  /** Share of its KV cache that was in use. */
  readonly kvUse: number
}

/** What a replica did until some moment. */
export interface WorkDone {
  readonly busyMs: DurationMs
  /** Busy and idle together. */
  readonly joules: Joules
  /** Share of the KV cache in use, over all of the time. */
  readonly kvUse: number
  readonly mostKvUse: number
}

/**
 * Adds up what one replica does, as far as the last completion of the whole rehearsal: what is computed after it for
 * answers that never end belongs to no rate.
 */
export class Work {
  readonly #idleWatts: Watts
  #busyMs = 0
  #joules = 0
  #kvMs = 0
  #mostKvUse = 0
  /** Computed after the last completion that is known. */
  #later: Stretch[] = []

  /** @param idleWatts of the whole replica */
  constructor(idleWatts: Watts) {
    this.#idleWatts = idleWatts
  }

  /** @param completedAt the last completion until now */
  add(stretch: Stretch, completedAt: MonotonicMs): void {
    if (this.#later.length > 0) this.#take(completedAt)
    if (stretch.until <= completedAt) this.#count(stretch)
    else this.#later.push(stretch)
  }

  /** @param endAt the last completion of all; at least that of any `add` */
  until(endAt: MonotonicMs): WorkDone {
    this.#take(endAt)
    for (const stretch of this.#later) if (stretch.from < endAt) this.#count(partOf(stretch, endAt))
    this.#later = []
    const idleJoules = (Math.max(0, endAt - this.#busyMs) * this.#idleWatts) / 1000
    return {
      busyMs: this.#busyMs,
      joules: this.#joules + idleJoules,
      kvUse: endAt > 0 ? this.#kvMs / endAt : 0,
      mostKvUse: this.#mostKvUse,
    }
  }

  #take(completedAt: MonotonicMs): void {
    const later = this.#later
    let taken = 0
    while (taken < later.length && later[taken]!.until <= completedAt) this.#count(later[taken++]!)
    if (taken > 0) this.#later = later.slice(taken)
  }

  #count({ from, until, joules, kvUse }: Stretch): void {
    this.#busyMs += until - from
    this.#joules += joules
    this.#kvMs += (until - from) * kvUse
    if (kvUse > this.#mostKvUse) this.#mostKvUse = kvUse
  }
}

function partOf({ from, until, joules, kvUse }: Stretch, endAt: MonotonicMs): Stretch {
  return { from, until: endAt, joules: (joules * (endAt - from)) / (until - from), kvUse }
}
