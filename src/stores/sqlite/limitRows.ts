import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { AuditEntry, StoredLimit } from '../../ports/ledger.ts'
import type { EpochMs } from '../../units/time.ts'
import type { Balance } from '../../vocabulary/limit.ts'

/** The `limit_id` of budgets of runs, which belong to no limit. */
export const NO_LIMIT = ''

/** Balances that are deleted at once, some 3 ms: what a commit may have to wait for it. */
const BALANCES_PER_TURN = 512
/** Uses that are deleted at once. They lie side by side, so each takes less. */
const USES_PER_TURN = 2_048

// Balances of a limit that is not there any more would be taken up again when it came back.
const PUT_BALANCE = `
  INSERT INTO limit_balances (limit_id, member, budget, used, opens_at, ends_at, uses, as_of)
  SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE ? = '${NO_LIMIT}' OR EXISTS (SELECT 1 FROM limits WHERE id = ?)
  ON CONFLICT DO UPDATE SET budget = excluded.budget, used = excluded.used, opens_at = excluded.opens_at,
    ends_at = excluded.ends_at, uses = excluded.uses, as_of = excluded.as_of
  WHERE excluded.as_of >= as_of`
const DELETE_OVER = `
  DELETE FROM limit_balances WHERE (limit_id, member) IN (
    SELECT limit_id, member FROM limit_balances
    WHERE ends_at <= (SELECT over_at FROM limit_marks) LIMIT ${BALANCES_PER_TURN})`
const DELETE_COVERED = `
  DELETE FROM limit_uses WHERE seq IN (
    SELECT seq FROM limit_uses WHERE seq <= (SELECT covered FROM limit_marks) ORDER BY seq LIMIT ${USES_PER_TURN})`

function jsonOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value)
}

/** Rows of limits, their balances and the audit, on the writer's thread. Statements go by `get`, as those of KeyRows. */
export class LimitRows {
  readonly #db: DatabaseSync
  readonly #all: StatementSync
  readonly #lastSeq: StatementSync
  readonly #put: StatementSync
  readonly #remove: StatementSync
  readonly #removeBalances: StatementSync
  readonly #audit: StatementSync
  readonly #putBalance: StatementSync
  readonly #given: StatementSync
  readonly #cover: StatementSync
  readonly #deleteOver: StatementSync
  readonly #deleteCovered: StatementSync
  readonly #changes: StatementSync

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#all = db.prepare('SELECT id, terms, created_at, declared FROM limits ORDER BY id')
    this.#lastSeq = db.prepare(
      'SELECT max(given, coalesce((SELECT max(seq) FROM limit_uses), 0)) AS seq FROM limit_marks',
    )
    this.#put =
      db.prepare(`INSERT INTO limits (id, terms, created_at, declared) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET terms = excluded.terms, created_at = excluded.created_at, declared = excluded.declared`)
    this.#remove = db.prepare('DELETE FROM limits WHERE id = ?')
    this.#removeBalances = db.prepare('DELETE FROM limit_balances WHERE limit_id = ?')
    this.#audit = db.prepare(
      'INSERT INTO audit (at, actor, address, action, subject, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    this.#putBalance = db.prepare(PUT_BALANCE)
    // What is over was told before these balances came: by a clock set back since, they may not be.
    this.#given = db.prepare('UPDATE limit_marks SET given = max(given, ?), over_at = 0')
    this.#cover = db.prepare('UPDATE limit_marks SET given = max(given, ?), covered = max(covered, ?), over_at = ?')
    this.#deleteOver = db.prepare(DELETE_OVER)
    this.#deleteCovered = db.prepare(DELETE_COVERED)
    this.#changes = db.prepare('SELECT changes() AS count')
  }

  all(): readonly StoredLimit[] {
    return this.#all.all().map(row => ({
      id: String(row.id),
      terms: JSON.parse(String(row.terms)),
      createdAt: Number(row.created_at),
      declared: row.declared === 1,
    }))
  }

  /** The last use that is there or that a balance knows of; 0 for none. */
  lastSeq(): number {
    return Number(this.#lastSeq.get()!.seq)
  }

  put(limit: StoredLimit, audit: AuditEntry | null): void {
    this.#put.get(limit.id, JSON.stringify(limit.terms), limit.createdAt, limit.declared ? 1 : 0)
    this.note(audit)
  }

  remove(id: string, audit: AuditEntry | null): void {
    this.#remove.get(id)
    this.#removeBalances.get(id)
    this.note(audit)
  }

  note(audit: AuditEntry | null): void {
    if (audit === null) return
    const { at, actor, address, action, subject, before, after } = audit
    this.#audit.get(at, actor, address, action, subject, jsonOrNull(before), jsonOrNull(after))
  }

  putBalances(balances: readonly Balance[], asOf: number): void {
    for (const { limit, member, budget, used, opensAt, endsAt, uses } of balances) {
      const id = limit ?? NO_LIMIT
      this.#putBalance.get(id, member, budget, used, opensAt, endsAt, jsonOrNull(uses), asOf, id, id)
    }
    this.#given.get(asOf)
  }

  /** Says that balances cover every use up to one, and deletes the first of what is not needed any more. */
  cover(asOf: number, now: EpochMs): void {
    this.#cover.get(asOf, asOf, Math.floor(now))
    this.#deleteSome()
  }

  /**
   * Deletes some of what is not needed any more.
   *
   * @returns true when there may be more
   * @throws what SQLite throws; nothing has been deleted then
   */
  turn(): boolean {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const isMore = this.#deleteSome()
      this.#db.exec('COMMIT')
      return isMore
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  #deleteSome(): boolean {
    this.#deleteOver.get()
    const balances = Number(this.#changes.get()!.count)
    this.#deleteCovered.get()
    return balances === BALANCES_PER_TURN || Number(this.#changes.get()!.count) === USES_PER_TURN
  }
}
