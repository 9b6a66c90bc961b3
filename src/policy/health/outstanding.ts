import { HEADER, type Layout } from './layout.ts'

/**
 * How many calls a replica has that have not ended, over all threads. Each thread counts in a column that only it
 * writes: adding costs no other thread anything, and what a dead thread had is cleared with its column.
 */
export class Outstanding {
  readonly #ints: Int32Array
  readonly #first: number
  readonly #columnWords: number
  readonly #own: number

  constructor(ints: Int32Array, layout: Layout, index: number, thread: number) {
    this.#ints = ints
    this.#first = layout.columnOf(0) + index
    this.#columnWords = layout.columnWords
    this.#own = layout.columnOf(thread) + index
  }

  add(): void {
    Atomics.add(this.#ints, this.#own, 1)
  }

  remove(): void {
    Atomics.sub(this.#ints, this.#own, 1)
  }

  total(): number {
    let total = 0
    let at = this.#first
    for (let left = Atomics.load(this.#ints, HEADER.threads); left > 0; left--, at += this.#columnWords) {
      total += Atomics.load(this.#ints, at)
    }
    return total
  }
}
