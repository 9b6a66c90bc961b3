import type { Place, RowSize } from './layout.ts'

/** Calls that a model must have answered before any of its calls may have a rival. */
const FIRST_CALLS = 50
/** One rival for so many answered calls: 5 %. */
const CALLS_A_HEDGE = 20
/** What can be saved up, in calls: quiet weeks must not pay for a storm in which every call is asked for twice. */
const MOST_SAVED = 100 * CALLS_A_HEDGE

const I = { answered: 0, saved: 1 } as const

export const HEDGES_ROW: RowSize = { ints: 2, floats: 0 }

/** How many of a model's attempts may get a rival: never more than one for twenty answered calls, over all threads. */
export class HedgeBudget {
  readonly #ints: Int32Array
  readonly #int: number

  constructor(ints: Int32Array, { int }: Place) {
    this.#ints = ints
    this.#int = int
  }

  /** A call of the model was answered. */
  called(): void {
    if (Atomics.load(this.#ints, this.#int + I.saved) < MOST_SAVED) Atomics.add(this.#ints, this.#int + I.saved, 1)
    // Counted after what it saves, so that who sees the fiftieth call sees what it brought.
    if (Atomics.load(this.#ints, this.#int + I.answered) < FIRST_CALLS) {
      Atomics.add(this.#ints, this.#int + I.answered, 1)
    }
  }

  /** Takes one rival out of the budget, if there is one. */
  claim(): boolean {
    if (Atomics.load(this.#ints, this.#int + I.answered) < FIRST_CALLS) return false
    for (;;) {
      const saved = Atomics.load(this.#ints, this.#int + I.saved)
      if (saved < CALLS_A_HEDGE) return false
      const left = saved - CALLS_A_HEDGE
      if (Atomics.compareExchange(this.#ints, this.#int + I.saved, saved, left) === saved) return true
    }
  }

  /** Gives a claimed one back, where nobody was left to be asked. */
  giveBack(): void {
    Atomics.add(this.#ints, this.#int + I.saved, CALLS_A_HEDGE)
  }
}
