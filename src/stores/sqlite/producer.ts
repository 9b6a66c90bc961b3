import { CONTROL, ENTRY, type RingMemory, type RingViews, viewRing } from './ring.ts'

/** The end of the ring at which entries are put in; lives on the thread that serves calls. */
export class RingProducer {
  readonly views: RingViews
  readonly #capacity: number
  #tail = 0
  #published = 0

  constructor(memory: RingMemory) {
    this.views = viewRing(memory)
    this.#capacity = this.views.numbers.length
  }

  /**
   * Finds room for an entry in one piece.
   *
   * @returns the place of its first word, or -1 while the ring is too full
   */
  reserve(words: number): number {
    const room = this.#capacity - ((this.#tail - Atomics.load(this.views.control, CONTROL.head)) | 0)
    const at = this.#tail & (this.#capacity - 1)
    const toEnd = this.#capacity - at
    if (words <= toEnd) return words <= room ? at : -1
    if (toEnd + words > room) return -1
    this.seal(at, ENTRY.pad, toEnd)
    return 0
  }

  /** Makes what was written at a reserved place the next entry; it may be shorter than what was reserved. */
  seal(at: number, kind: number, words: number): void {
    this.views.halves[2 * at] = kind
    this.views.halves[2 * at + 1] = words
    this.#tail = (this.#tail + words) | 0
  }

  /** Shows the writer what was sealed, and wakes it when it waits. */
  publish(): void {
    if (this.#published === this.#tail) return
    this.#published = this.#tail
    const { control } = this.views
    Atomics.store(control, CONTROL.tail, this.#tail)
    if (Atomics.load(control, CONTROL.sleeping) === 1) Atomics.notify(control, CONTROL.tail)
  }
}
