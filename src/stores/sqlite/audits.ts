import type { DatabaseSync } from 'node:sqlite'
import type { AuditEntry, LimitStore } from '../../ports/ledger.ts'
import { checkPageSize } from './page.ts'

export type AuditQuery = Parameters<LimitStore['audits']>[0]
export type NumberedAudit = AuditEntry & { readonly number: number }

/** @throws RangeError for a limit out of range or a number that no entry has */
export function auditsIn(db: DatabaseSync, { before, limit }: AuditQuery): readonly NumberedAudit[] {
  checkPageSize(limit)
  const below = before ?? Number.MAX_SAFE_INTEGER
  if (!Number.isSafeInteger(below)) throw new RangeError(`before: expected the number of an entry, got ${before}`)
  const rows = db.prepare('SELECT * FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?').all(below, limit)
  return rows.map(row => ({
    number: Number(row.number),
    at: Number(row.at),
    actor: String(row.actor),
    address: row.address === null ? null : String(row.address),
    action: row.action as AuditEntry['action'],
    subject: String(row.subject),
    before: row.before === null ? null : JSON.parse(String(row.before)),
    after: row.after === null ? null : JSON.parse(String(row.after)),
  }))
}
