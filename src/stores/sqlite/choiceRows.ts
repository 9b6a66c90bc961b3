import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Dictionary } from './dictionary.ts'
import { CANDIDATE, CHOICE, PASSED_OVER, type RingViews } from './ring.ts'
import { RouteBytes } from './routeBytes.ts'

/** Inserts where attempts went, as it lies in the ring: rows only for attempts that had a choice. */
export class ChoiceRows {
  readonly #views: RingViews
  readonly #dictionary: Dictionary
  readonly #add: StatementSync
  readonly #bytes = new RouteBytes()

  constructor(db: DatabaseSync, views: RingViews, dictionary: Dictionary) {
    this.#views = views
    this.#dictionary = dictionary
    this.#add = db.prepare('INSERT INTO choices (call, n, replica, route) VALUES (?, ?, ?, ?)')
  }

  /** Inserts the choices of a call, of which the first lies at this word. */
  insert(start: number, call: bigint, attempts: number): void {
    const { numbers } = this.#views
    let at = start
    for (let n = 0; n < attempts; n++) {
      const replica = numbers[at + CHOICE.replica]!
      const hasRoute = !Number.isNaN(numbers[at + CHOICE.by]!)
      at = this.#layOut(at)
      if (hasRoute || !Number.isNaN(replica)) {
        this.#add.get(call, n, Number.isNaN(replica) ? null : replica, hasRoute ? this.#bytes.taken() : null)
      }
    }
  }

  /** @returns the word behind the choice */
  #layOut(choice: number): number {
    const { numbers, integers, bytes } = this.#views
    const candidates = numbers[choice + CHOICE.candidates]!
    const passedOver = numbers[choice + CHOICE.passedOver]!
    this.#bytes.begin(numbers[choice + CHOICE.by]!, candidates, passedOver)
    let at = choice + CHOICE.words
    for (let n = 0; n < candidates; n++, at += CANDIDATE.words) {
      const name = this.#dictionary.row(numbers[at + CANDIDATE.deployment]!)
      this.#bytes.candidate(name, numbers[at + CANDIDATE.score]!, integers[at + CANDIDATE.dollars]!)
    }
    for (let n = 0; n < passedOver; n++) {
      const name = this.#dictionary.row(numbers[at + PASSED_OVER.deployment]!)
      const length = numbers[at + PASSED_OVER.bytes]!
      at += PASSED_OVER.words
      this.#bytes.passedOver(name, bytes.subarray(at * 8, at * 8 + length))
      at += (length + 7) >> 3
    }
    return at
  }
}
