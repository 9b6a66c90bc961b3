import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** Room that a probe asks for in the table and again in its index: together that of some five hundred records. */
export const PROBE_BYTES = 64 * 1024

/**
 * Finds out whether the ledger has room. A transaction that changes nothing is committed on any disk, however full; so a
 * row of some size is put in and taken out again. Its pages are free afterwards, and the next records go there.
 */
export class Room {
  readonly #put: StatementSync
  readonly #take: StatementSync

  constructor(db: DatabaseSync) {
    // Rows of accounts count from 1, so 0 is nobody's; and the name stands in the index too, which asks for as much again.
    this.#put = db.prepare('INSERT INTO accounts (id, name, balance) VALUES (0, hex(zeroblob(?)), 0)')
    this.#take = db.prepare('DELETE FROM accounts WHERE id = 0')
  }

  /** @throws what SQLite throws; the transaction at hand is to be rolled back then */
  probe(): void {
    this.#put.get(PROBE_BYTES / 2)
    this.#take.get()
  }
}
