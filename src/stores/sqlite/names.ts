import { NAME_TABLES } from './codes.ts'
import type { RingProducer } from './producer.ts'
import { DEFINE, ENTRY, MAX_TEXT_BYTES } from './ring.ts'

/**
 * Texts that have a number at once. Callers choose their tags, so the count of different texts has no end; when this
 * many are known, all are forgotten and those still in use are told anew.
 */
export const MAX_NAMES = 8_192

/** Numbers the texts that records repeat, so that each goes to the writer once. Numbers are never used again. */
export class Names {
  readonly #ring: RingProducer
  readonly #most: number
  readonly #tables: readonly Map<string, number>[]
  #next = 1
  #first = 1

  constructor(ring: RingProducer, most: number = MAX_NAMES) {
    this.#ring = ring
    this.#most = most
    this.#tables = NAME_TABLES.map(() => new Map())
  }

  /** True when a number that was given out before is still known to the writer. */
  isKnown(number: number): boolean {
    return number >= this.#first
  }

  /** Forgets everything when too much is known. Between records only: a record's own names must stay. */
  makeRoom(): boolean {
    if (this.#next - this.#first < this.#most) return true
    const at = this.#ring.reserve(2)
    if (at < 0) return false
    this.#ring.views.numbers[at + 1] = this.#next
    this.#ring.seal(at, ENTRY.forget, 2)
    this.#first = this.#next
    for (const table of this.#tables) table.clear()
    return true
  }

  /**
   * @param table code of one of NAME_TABLES
   * @returns the number of the text, or -1 while the ring has no room to tell it
   * @throws RangeError when the text is longer than MAX_TEXT_BYTES
   */
  number(table: number, text: string): number {
    const known = this.#tables[table]!.get(text)
    return known === undefined ? this.#define(table, text) : known
  }

  #define(table: number, text: string): number {
    const most = text.length * 3
    if (most > MAX_TEXT_BYTES) throw new RangeError(`a name of ${text.length} characters is too long for the ledger`)
    const at = this.#ring.reserve(DEFINE.text + ((most + 7) >> 3))
    if (at < 0) return -1
    const { numbers, bytes } = this.#ring.views
    const number = this.#next++
    const length = bytes.write(text, (at + DEFINE.text) * 8, 'utf8')
    numbers[at + DEFINE.table] = table
    numbers[at + DEFINE.number] = number
    numbers[at + DEFINE.bytes] = length
    this.#ring.seal(at, ENTRY.define, DEFINE.text + ((length + 7) >> 3))
    this.#tables[table]!.set(text, number)
    return number
  }
}
