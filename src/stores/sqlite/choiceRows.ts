import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Dictionary } from './dictionary.ts'
import { CANDIDATE, CHOICE, NO_AMOUNT, PASSED_OVER, type RingViews, SPILL } from './ring.ts'
import { RouteBytes } from './routeBytes.ts'
import { orNull } from './whole.ts'

/** Inserts where attempts went, as it lies in the ring: rows only for attempts that had a choice. */
export class ChoiceRows {
  readonly #views: RingViews
  readonly #dictionary: Dictionary
  readonly #add: StatementSync
  readonly #addSpill: StatementSync
  readonly #bytes = new RouteBytes()

  constructor(db: DatabaseSync, views: RingViews, dictionary: Dictionary) {
    this.#views = views
    this.#dictionary = dictionary
    this.#add = db.prepare('INSERT INTO choices (call, n, replica, route, expected) VALUES (?, ?, ?, ?, ?)')
    this.#addSpill = db.prepare(
      'INSERT INTO spills (call, n, why, expected_us, target_us, harm, more) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
  }

  /** Inserts the choices of a call, of which the first lies at this word. */
  insert(start: number, call: bigint, attempts: number): void {
    const { numbers } = this.#views
    let at = start
    for (let n = 0; n < attempts; n++) {
      const choice = at
      const replica = orNull(numbers[choice + CHOICE.replica]!)
      const expected = orNull(numbers[choice + CHOICE.expected]!)
      const hasRoute = !Number.isNaN(numbers[choice + CHOICE.by]!)
      const isSpill = !Number.isNaN(numbers[choice + CHOICE.spill]!)
      at = choice + CHOICE.words
      if (isSpill) {
        this.#insertSpill(choice, call, n)
        at += SPILL.words
      }
      at = this.#layOut(choice, at)
      if (hasRoute || replica !== null || expected !== null) {
        this.#add.get(call, n, replica, hasRoute ? this.#bytes.taken() : null, expected)
      }
    }
  }

  #insertSpill(choice: number, call: bigint, n: number): void {
    const { numbers, integers } = this.#views
    const sum = choice + CHOICE.words
    const amount = (at: number) => (integers[at] === NO_AMOUNT ? null : integers[at]!)
    this.#addSpill.get(
      call,
      n,
      numbers[choice + CHOICE.spill]!,
      orNull(numbers[sum + SPILL.expected]!),
      orNull(numbers[sum + SPILL.target]!),
      amount(sum + SPILL.harm),
      amount(sum + SPILL.more),
    )
  }

  /**
   * @param names the word at which its candidates begin
   * @returns the word behind the choice
   */
  #layOut(choice: number, names: number): number {
    const { numbers, integers, bytes } = this.#views
    const candidates = numbers[choice + CHOICE.candidates]!
    const passedOver = numbers[choice + CHOICE.passedOver]!
    this.#bytes.begin(numbers[choice + CHOICE.by]!, candidates, passedOver)
    let at = names
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
