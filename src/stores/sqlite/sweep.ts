import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ID_EPOCH_MS } from '../../vocabulary/id.ts'
import { SUM_COLUMNS, SUMS_OF_CALLS, saturatedSql } from './sums.ts'

/** Calls that one turn moves at most: some 3 ms, which is what a commit may have to wait for it. */
export const CALLS_PER_TURN = 512
const DAY_MS = 86_400_000
const ID_TIME_SHIFT = 22

const FIND_LAST = 'SELECT max(id) AS last FROM (SELECT id FROM calls WHERE id < ? ORDER BY id LIMIT ?)'
const ROLL_UP = `
  INSERT INTO rollups (day, caller, model, deployment, ${SUM_COLUMNS.join(', ')})
  SELECT ((c.id >> ${ID_TIME_SHIFT}) + ${ID_EPOCH_MS}) / ${DAY_MS}, c.caller, c.model, coalesce(a.deployment, 0),
    ${SUMS_OF_CALLS}
  FROM calls c LEFT JOIN attempts a ON a.call = c.id
  WHERE c.id <= ?
  GROUP BY 1, 2, 3, 4
  ON CONFLICT DO UPDATE SET ${SUM_COLUMNS.map(column => `${column} = ${saturatedSql(`${column} + excluded.${column}`)}`).join(', ')}`

/**
 * Deletes old calls a few at a time, and adds them to the rollups in the same transaction, so that every total stays
 * what it was. A row of the rollups (a day's calls of one caller to one model at one deployment) ends at what 64 bits
 * hold, some 9.2 thousand million dollars: a wrong sum of that size is better than calls that can never be moved.
 */
export class Sweeper {
  readonly #db: DatabaseSync
  readonly #findLast: StatementSync
  readonly #steps: readonly StatementSync[]

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#findLast = db.prepare(FIND_LAST, { readBigInts: true })
    this.#steps = [
      ROLL_UP,
      'DELETE FROM attempts WHERE call <= ?',
      'DELETE FROM choices WHERE call <= ?',
      'DELETE FROM spills WHERE call <= ?',
      'DELETE FROM calls WHERE id <= ?',
      'UPDATE swept SET id = max(id, ?)',
    ].map(sql => db.prepare(sql))
  }

  /**
   * Moves the oldest calls, CALLS_PER_TURN at most.
   *
   * @param before the smallest id that stays
   * @returns true when there may be more
   * @throws what SQLite throws; nothing has been moved then
   */
  turn(before: bigint): boolean {
    const last = this.#findLast.get(before, CALLS_PER_TURN)?.last
    if (typeof last !== 'bigint') return false
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      for (const step of this.#steps) step.get(last)
      this.#db.exec('COMMIT')
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
    return true
  }
}
