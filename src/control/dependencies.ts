import type { LedgerStore, LimitStore } from '../ports/ledger.ts'
import type { LimitRegistry, PlanRegistry } from '../ports/limits.ts'
import type { Registry } from '../ports/registry.ts'
import type { CallRecord } from '../vocabulary/record.ts'

export interface AdminDependencies {
  readonly registry: Registry
  readonly ledger: Pick<LedgerStore, 'receipt' | 'receipts' | 'usage'>
  readonly limits: LimitRegistry
  readonly plans: PlanRegistry
  readonly audits: LimitStore['audits']
  /** A receipt as its readers are shown it. */
  receiptOf(record: CallRecord): unknown
}
