import type { EpochMs } from '../../units/time.ts'
import type { Key } from '../../vocabulary/caller.ts'

/** What the writer does besides records; rare, therefore JSON. Each is acknowledged in its turn like a record. */
export type Command =
  | { readonly do: 'createKey'; readonly key: Key }
  | { readonly do: 'revokeKey'; readonly name: string }
  /** Tells the time, for retention while no records come. */
  | { readonly do: 'tick'; readonly now: EpochMs }
  /** Changes nothing, but is committed only where records could be: finds out whether the disk takes them again. */
  | { readonly do: 'probe' }
  | { readonly do: 'close' }

/** Entries in a row that share one fate: null when they are on disk, else why they are not. */
export interface Acknowledgement {
  readonly count: number
  readonly failure: string | null
}

/** What the writer says. A plain number is the count of the next entries that are on disk: the ordinary case. */
export type WriterMessage =
  | number
  | { readonly is: 'open'; readonly keys: readonly Key[]; readonly latestAt: EpochMs }
  | { readonly is: 'refused'; readonly message: string }
  | {
      readonly is: 'acknowledged'
      readonly groups: readonly Acknowledgement[]
      /** False when the disk did not take the transaction, rather than the transaction some of its entries. */
      readonly isCommitted: boolean
    }
  | { readonly is: 'closed' }
