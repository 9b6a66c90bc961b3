import type { Sequence } from './sequence.ts'

/** How many taken places may stand at the front before the rest moves up. */
const MAX_TAKEN = 1024

/** The waiting sequences, first come, first served; preempted ones come back to the front. */
export class WaitingQueue {
  #entries: (Sequence | null)[] = []
  #first = 0
  /** Sequences in the queue; those that were removed do not count. */
  length = 0

  push(sequence: Sequence): void {
    this.#entries.push(sequence)
    this.length++
  }

  pushFront(sequence: Sequence): void {
    if (this.#first > 0) this.#entries[--this.#first] = sequence
    else this.#entries.unshift(sequence)
    this.length++
  }

  peek(): Sequence | null {
    while (this.#first < this.#entries.length) {
      const sequence = this.#entries[this.#first]!
      if (sequence !== null && sequence.state === 'waiting') return sequence
      this.#advance()
    }
    return null
  }

  /** Takes out the one that `peek` has shown. */
  shift(): void {
    this.#advance()
    this.length--
  }

  /** The sequence has ended while it waited: it is passed over when its turn comes. */
  remove(): void {
    this.length--
  }

  #advance(): void {
    this.#entries[this.#first++] = null
    if (this.#first > MAX_TAKEN && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first)
      this.#first = 0
    }
  }
}
