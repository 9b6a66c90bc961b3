import type { AuditEntry, StoredLimit } from '../../ports/ledger.ts'
import type { EpochMs } from '../../units/time.ts'
import type { Key } from '../../vocabulary/caller.ts'
import type { Balance } from '../../vocabulary/limit.ts'

/** What the writer does besides records; rare, therefore JSON. Each is acknowledged in its turn like a record. */
export type Command =
  | { readonly do: 'createKey'; readonly key: Key }
  | { readonly do: 'revokeKey'; readonly name: string }
  | { readonly do: 'putLimit'; readonly limit: StoredLimit; readonly audit: AuditEntry | null }
  | { readonly do: 'removeLimit'; readonly id: string; readonly audit: AuditEntry | null }
  | { readonly do: 'note'; readonly audit: AuditEntry }
  | { readonly do: 'putBalances'; readonly balances: readonly Balance[]; readonly asOf: number }
  /** Balances cover every use up to one: those uses, and balances that are over, are not needed any more. */
  | { readonly do: 'cover'; readonly asOf: number; readonly now: EpochMs }
  /** Tells the time, for retention while no records come. */
  | { readonly do: 'tick'; readonly now: EpochMs }
  /** Changes nothing, but is committed only where records could be: finds out whether the disk takes them again. */
  | { readonly do: 'probe' }
  | { readonly do: 'close' }

/** What the ledger held when it was opened. */
export interface Held {
  readonly keys: readonly Key[]
  readonly limits: readonly StoredLimit[]
  /** The last use that was ever kept; 0 for none. */
  readonly lastSeq: number
  readonly latestAt: EpochMs
}

/** Entries in a row that share one fate: null when they are on disk, else why they are not. */
export interface Acknowledgement {
  readonly count: number
  readonly failure: string | null
}

/**
 * What the writer says. A plain number is the count of the next entries that are on disk: the ordinary case. It is 0 when
 * the ring has room again but nobody waits to be told of what was in it.
 */
export type WriterMessage =
  | number
  | ({ readonly is: 'open' } & Held)
  | { readonly is: 'refused'; readonly message: string }
  | {
      readonly is: 'acknowledged'
      readonly groups: readonly Acknowledgement[]
      /** False when the disk did not take the transaction, rather than the transaction some of its entries. */
      readonly isCommitted: boolean
    }
  | { readonly is: 'closed' }
