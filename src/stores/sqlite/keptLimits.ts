import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { KeptBalance, KeptUse } from '../../ports/ledger.ts'
import { openForReading } from './database.ts'
import { NO_LIMIT } from './limitRows.ts'

type Row = Record<string, SQLOutputValue>

function numberOrNull(value: SQLOutputValue): number | null {
  return value === null ? null : Number(value)
}

/**
 * What the ledger keeps for limits, row by row: there may be a million, which need not be in memory twice. Each reading
 * has a connection of its own on the calling thread, since it comes before there are calls, and closes it at its end.
 */
export class KeptLimits {
  readonly #path: string
  readonly #open = new Set<DatabaseSync>()

  constructor(path: string) {
    this.#path = path
  }

  *balances(): Generator<KeptBalance> {
    for (const row of this.#rows('SELECT * FROM limit_balances ORDER BY limit_id, member')) {
      yield {
        asOf: Number(row.as_of),
        balance: {
          limit: row.limit_id === NO_LIMIT ? null : String(row.limit_id),
          member: String(row.member),
          budget: numberOrNull(row.budget!),
          used: Number(row.used),
          opensAt: Number(row.opens_at),
          endsAt: numberOrNull(row.ends_at!),
          uses: row.uses === null ? null : JSON.parse(String(row.uses)),
        },
      }
    }
  }

  *uses(): Generator<KeptUse> {
    // Those that are covered may still be there, on their way out.
    const uncovered = 'SELECT seq, text FROM limit_uses WHERE seq > (SELECT covered FROM limit_marks) ORDER BY seq'
    for (const row of this.#rows(uncovered)) yield { seq: Number(row.seq), text: String(row.text) }
  }

  /** Ends readings that nobody ended. */
  close(): void {
    for (const db of this.#open) db.close()
    this.#open.clear()
  }

  *#rows(sql: string): Generator<Row> {
    const db = openForReading(this.#path)
    this.#open.add(db)
    try {
      yield* db.prepare(sql).iterate()
    } finally {
      if (this.#open.delete(db)) db.close()
    }
  }
}
