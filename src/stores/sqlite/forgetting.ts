import type { LimitRows } from './limitRows.ts'

/** Between two turns, so that they take a small part of the thread's time. */
const PAUSE_MS = 20
/** After a turn failed, as on a full disk. */
const RETRY_MS = 10_000

/** Decides when uses and balances of limits that are not needed any more are deleted: a few at a time, between groups. */
export class Forgetting {
  readonly #limits: LimitRows
  /** True at first, since the last process may have left some. */
  #isPending = true
  #nextTurn = 0

  constructor(limits: LimitRows) {
    this.#limits = limits
  }

  /** There may be more to delete. */
  wake(): void {
    this.#isPending = true
  }

  /** Milliseconds until the next turn; infinite when there is nothing to do. */
  untilTurn(): number {
    return this.#isPending ? Math.max(0, this.#nextTurn - performance.now()) : Number.POSITIVE_INFINITY
  }

  turnWhenDue(): void {
    if (!this.#isPending || this.untilTurn() > 0) return
    let pauseMs = PAUSE_MS
    try {
      this.#isPending = this.#limits.turn()
    } catch {
      // The disk's fault reaches the callers through their own records; what is left over does no harm.
      pauseMs = RETRY_MS
    }
    this.#nextTurn = performance.now() + pauseMs
  }
}
