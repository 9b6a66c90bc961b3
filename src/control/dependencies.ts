import type { Fleet } from '../ports/fleet.ts'
import type { AuditEntry, LedgerStore, LimitStore } from '../ports/ledger.ts'
import type { LimitRegistry, PlanRegistry } from '../ports/limits.ts'
import type { Registry } from '../ports/registry.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import type { Tier } from '../vocabulary/tier.ts'

export interface AdminDependencies {
  readonly registry: Registry
  readonly ledger: Pick<LedgerStore, 'receipt' | 'receipts' | 'usage'>
  readonly limits: LimitRegistry
  readonly plans: PlanRegistry
  readonly audits: LimitStore['audits']
  readonly fleet: Fleet
  /** Classes of service that keys may be limited to. */
  readonly tiers: readonly Tier[]
  /** Puts a change that is kept nowhere else into the audit; resolves when it is on disk. */
  note(change: Omit<AuditEntry, 'at'>): Promise<void>
  /** A receipt as its readers are shown it. */
  receiptOf(record: CallRecord): unknown
}
