import type { NanoDollars } from '../units/money.ts'
import type { EpochMs } from '../units/time.ts'
import type { Tokens } from '../units/tokens.ts'
import type { Key } from '../vocabulary/caller.ts'
import type { CallId } from '../vocabulary/id.ts'
import type { Balance } from '../vocabulary/limit.ts'
import type { CallOutcome } from '../vocabulary/outcome.ts'
import type { CallRecord } from '../vocabulary/record.ts'

/** A page of receipts, oldest first. */
export interface ReceiptPage {
  readonly records: readonly CallRecord[]
  /** To be passed on for the next page; null when this was the last. */
  readonly cursor: string | null
}

export interface ReceiptQuery {
  /** Inclusive. */
  readonly since?: EpochMs
  /** Exclusive. */
  readonly until?: EpochMs
  readonly outcome?: CallOutcome
  readonly cursor?: string
  /** 1 to 1,000. */
  readonly limit: number
}

/** `tag:NAME` groups by the value of that tag. */
export type UsageDimension = 'model' | 'team' | 'user' | 'key' | 'deployment' | `tag:${string}`

export interface UsageQuery {
  readonly by: readonly UsageDimension[]
  readonly since?: EpochMs
  readonly until?: EpochMs
}

/** Sums over calls. `requests` counts calls; grouped by deployment, calls that it took part in. */
export interface UsageSums {
  readonly requests: number
  readonly inputTokens: Tokens
  readonly cachedInputTokens: Tokens
  readonly outputTokens: Tokens
  /** Of all attempts, wasted ones included; unrated attempts add nothing and are counted in `unratedAttempts`. */
  readonly dollars: NanoDollars
  /** Of attempts that bought nothing: `isWaste`. */
  readonly wastedDollars: NanoDollars
  readonly unratedAttempts: number
}

export interface UsageReport {
  /** One row for each combination, in the order of its values; a value is null where a call has none. */
  readonly rows: readonly (UsageSums & { readonly group: Readonly<Record<string, string | null>> })[]
  readonly totals: UsageSums
}

/**
 * Balance of one account of the double-entry ledger: what was posted to it. All balances sum to zero, unless one has
 * reached the largest amount that the store holds, where it stays rather than cost a record.
 */
export interface AccountBalance {
  /** `key:NAME` (debited) or `deployment:UPSTREAM/MODEL` (credited). */
  readonly account: string
  readonly nanoDollars: NanoDollars
}

/** Durable records of calls. One writer; reading never waits for writing nor slows it. */
export interface LedgerStore {
  /**
   * Appends a record. `durable` is called once, after the record is on disk (with null) or when it could not be
   * written (with the reason). Never throws, never calls back within the call.
   */
  append(record: CallRecord, durable: (failure: Error | null) => void): void
  receipt(id: CallId): Promise<CallRecord | null>
  /** @throws RangeError for a cursor that this ledger never gave out */
  receipts(query: ReceiptQuery): Promise<ReceiptPage>
  usage(query: UsageQuery): Promise<UsageReport>
  balances(): Promise<readonly AccountBalance[]>
  /**
   * False while no call should be let in, since its record might be lost: the last commit failed, the writer has ended,
   * or more than a bound of records wait for the disk. Turns true by itself once the store can commit again. Read on the
   * path of every call, so it costs no more than a field.
   */
  readonly writable: boolean
  /** The latest time that any record carries, so that ids never repeat when a clock was set back; 0 when empty. */
  readonly latestAt: EpochMs
  /** Writes what is pending, then closes. */
  close(): Promise<void>
}

/** Keys made by the admin API, kept beside the ledger. */
export interface KeyStore {
  keys(): readonly Key[]
  /** @returns false when the name is taken */
  create(key: Key): Promise<boolean>
  /** @returns false when there is no such key */
  revoke(name: string): Promise<boolean>
}

/** A limit as it is kept: its terms as JSON, since what they may say grows with versions. */
export interface StoredLimit {
  readonly id: string
  /** As configuration and admin API write it. */
  readonly terms: unknown
  readonly createdAt: EpochMs
  /** By the configuration; kept so that it counts from its creation over restarts. */
  readonly declared: boolean
}

/** One change of limits, plans, grants, credits or the fleet. */
export interface AuditEntry {
  readonly at: EpochMs
  readonly actor: string
  /** Address that the request came from; null for none. */
  readonly address: string | null
  readonly action: 'create' | 'change' | 'delete'
  /** `limit:lim_…`, `plan:NAME`, `grant:…`, `replica:UPSTREAM/N`. */
  readonly subject: string
  /** JSON values; null where there was or is nothing. */
  readonly before: unknown
  readonly after: unknown
}

/** Where changes are noted that are kept nowhere else. */
export interface AuditLog {
  /** Resolves when the entry is on disk. */
  note(entry: AuditEntry): Promise<void>
}

/** What a limit's book needs to be as it was after a crash: balances, and the uses that came after them. */
export interface KeptUse {
  /** Grows by one with each use, over restarts too. */
  readonly seq: number
  readonly text: string
}

export interface KeptBalance {
  readonly balance: Balance
  /** The last use that is counted in it. */
  readonly asOf: number
}

/** What limits need on disk, kept beside the ledger by its one writer. */
export interface LimitStore {
  /** As the store held them when it was opened. */
  limits(): readonly StoredLimit[]
  putLimit(limit: StoredLimit, audit: AuditEntry | null): Promise<void>
  /** Its balances go with it. */
  removeLimit(id: string, audit: AuditEntry | null): Promise<void>
  /** Read at the start, before anything is written. */
  balances(): Iterable<KeptBalance>
  /** In the order of `seq`. Read at the start. */
  uses(): Iterable<KeptUse>
  /** The last seq that was ever given; 0 for none. */
  readonly lastSeq: number
  /**
   * Keeps a use until balances cover it. It is on disk no later than a record that is appended after it in the same
   * turn of the event loop. Never throws.
   */
  keepUse(use: KeptUse): void
  /**
   * Writes balances that cover every use up to `asOf`, then forgets those uses. Balances that are over by `now` go too.
   * In pieces, so that no record waits long; a crash in between loses and doubles nothing.
   */
  checkpoint(balances: readonly Balance[], asOf: number, now: EpochMs): Promise<void>
  /** Newest first. */
  audits(query: {
    readonly before?: number
    readonly limit: number
  }): Promise<readonly (AuditEntry & { readonly number: number })[]>
}
