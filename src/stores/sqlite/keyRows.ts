import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Key } from '../../vocabulary/caller.ts'

function jsonOrNull(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

/**
 * Rows of the keys that the admin API made. Statements go by `get`: `run` would also tell the row id of the connection's
 * last insert, which is that of a call and no safe number of JavaScript, and so throw.
 */
export class KeyRows {
  readonly #all: StatementSync
  readonly #add: StatementSync
  readonly #remove: StatementSync

  constructor(db: DatabaseSync) {
    this.#all = db.prepare(
      'SELECT name, team, user, tags, models, tiers, secret_hash, created_at FROM keys ORDER BY name',
    )
    this.#add = db.prepare(
      'INSERT INTO keys (name, team, user, tags, models, tiers, secret_hash, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.#remove = db.prepare('DELETE FROM keys WHERE name = ?')
  }

  all(): readonly Key[] {
    return this.#all.all().map(row => ({
      name: String(row.name),
      team: row.team === null ? null : String(row.team),
      user: row.user === null ? null : String(row.user),
      tags: JSON.parse(String(row.tags)),
      models: row.models === null ? null : JSON.parse(String(row.models)),
      tiers: row.tiers === null ? null : JSON.parse(String(row.tiers)),
      secretHash: String(row.secret_hash),
      createdAt: Number(row.created_at),
      declared: false,
    }))
  }

  add(key: Key): void {
    this.#add.get(
      key.name,
      key.team,
      key.user,
      JSON.stringify(key.tags),
      jsonOrNull(key.models),
      jsonOrNull(key.tiers),
      key.secretHash,
      key.createdAt,
    )
  }

  remove(name: string): void {
    this.#remove.get(name)
  }
}
