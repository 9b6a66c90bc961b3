import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { KeptUse } from '../../ports/ledger.ts'
import { type RingViews, USE } from './ring.ts'

/** Uses that wait for a disk which does not take them. Calls are not let in meanwhile, so that few come. */
const MAX_LATE = 100_000

/** Inserts uses of limits as they lie in the ring, each once it is whole. */
export class UseRows {
  readonly #views: RingViews
  readonly #add: StatementSync
  /** Long uses, as far as their pieces have come. Pieces have their place in them, so that reading one twice is no harm. */
  readonly #long = new Map<number, Buffer>()
  /** Long uses whose last piece came with the group at hand. */
  readonly #whole = new Set<number>()
  /** Uses of groups that the disk did not take. */
  readonly #late = new Map<number, string>()

  constructor(db: DatabaseSync, views: RingViews) {
    this.#views = views
    this.#add = db.prepare('INSERT INTO limit_uses (seq, text) VALUES (?, ?) ON CONFLICT DO NOTHING')
  }

  insert(at: number): void {
    const use = this.#read(at)
    if (use !== null) this.#add.get(use.seq, use.text)
  }

  /** Keeps the use of an entry for the next transaction: a call has used it, whether or not its record was lost. */
  defer(at: number): void {
    const use = this.#read(at)
    if (use !== null && this.#late.size < MAX_LATE) this.#late.set(use.seq, use.text)
  }

  /** To be called first in each transaction. */
  insertLate(): void {
    for (const [seq, text] of this.#late) this.#add.get(seq, text)
  }

  committed(): void {
    this.#late.clear()
  }

  /** Frees the memory of long uses, once the entries of the group will not be read again. */
  release(): void {
    for (const seq of this.#whole) this.#long.delete(seq)
    this.#whole.clear()
  }

  /** @returns null for a piece that is not the last of its use */
  #read(at: number): KeptUse | null {
    const { numbers, bytes } = this.#views
    const seq = numbers[at + USE.seq]!
    const length = numbers[at + USE.bytes]!
    const total = numbers[at + USE.total]!
    const from = (at + USE.text) * 8
    if (length === total) return { seq, text: bytes.toString('utf8', from, from + length) }
    const long = this.#long.get(seq) ?? Buffer.alloc(total)
    this.#long.set(seq, long)
    const start = numbers[at + USE.start]!
    bytes.copy(long, start, from, from + length)
    if (start + length < total) return null
    this.#whole.add(seq)
    return { seq, text: long.toString('utf8') }
  }
}
