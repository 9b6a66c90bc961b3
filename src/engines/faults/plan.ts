import type { DurationMs, EpochMs } from '../../units/time.ts'

/** What a kind of fault may be told besides where and when it strikes. */
export type FaultField = 'tokens' | 'wait' | 'status' | 'retryAfter'

/**
 * Every way in which an upstream is made to fail, and what may be said of it. Those up to `silence` never ask the
 * upstream; the others take its answer and spoil it.
 */
export const FAULT_FIELDS = {
  refuse: [],
  reset: [],
  neverAccept: [],
  status: ['status', 'retryAfter'],
  html: [],
  errorInside200: [],
  emptyBody: [],
  noEvents: [],
  keepAlives: ['wait'],
  silenceAfterHeaders: [],
  silence: [],
  truncatedJson: [],
  shortBody: [],
  cutBeforeContent: [],
  roleOnly: [],
  slow: ['wait'],
  slowTokens: ['tokens', 'wait'],
  cut: ['tokens'],
  endWithoutTerminal: ['tokens'],
  halfFrame: ['tokens'],
  garbage: ['tokens'],
  errorEvent: ['tokens'],
  stall: ['tokens'],
  noDone: [],
} as const satisfies Readonly<Record<string, readonly FaultField[]>>

export type FaultKind = keyof typeof FAULT_FIELDS

export const FAULT_KINDS = Object.keys(FAULT_FIELDS) as readonly FaultKind[]

/** How an upstream says when it may be asked again: `retry-after` in seconds or as a date, or `retry-after-ms`. */
export type RetryAfterForm = 'seconds' | 'milliseconds' | 'date'

export const RETRY_AFTER_FORMS: readonly RetryAfterForm[] = ['seconds', 'milliseconds', 'date']

/** One way in which some calls of an upstream fail. */
export interface Fault {
  /** Name of an upstream, `upstream/model`, or `*` for all. */
  readonly upstream: string
  /** Place of the only replica that it strikes; null for all. */
  readonly replica: number | null
  readonly kind: FaultKind
  /** Of the calls that it might strike, above 0 and at most 1. */
  readonly share: number
  /** It begins so long after the gateway's start. */
  readonly afterMs: DurationMs
  /** How long it lasts; null for ever. */
  readonly forMs: DurationMs | null
  /** From one beginning to the next; null when it does not come back. Longer than `forMs`, which is not null then. */
  readonly everyMs: DurationMs | null
  /** Frames with content that come before it. */
  readonly tokens: number
  readonly waitMs: DurationMs
  /** HTTP status from 400 to 599; of the kind `status`. */
  readonly status: number
  readonly retryAfter: { readonly ms: DurationMs; readonly form: RetryAfterForm } | null
}

/** The faults of a rehearsal. Of several that might strike a call, the first in the list that does is its only one. */
export interface FaultPlan {
  readonly faults: readonly Fault[]
  /** Decides, with the order of the calls, which of them a share strikes: whole, from 0 to 2^32 − 1. */
  readonly seed: number
  /** When the gateway started. */
  readonly startedAt: EpochMs
}

/** Frames with content before a fault in the midst of a stream, and the wait of a slow one, where nobody said. */
export const DEFAULT_TOKENS: Readonly<Partial<Record<FaultKind, number>>> = {
  cut: 8,
  endWithoutTerminal: 8,
  halfFrame: 8,
  garbage: 8,
  stall: 8,
}
export const DEFAULT_WAIT_MS: Readonly<Partial<Record<FaultKind, DurationMs>>> = {
  slow: 5_000,
  slowTokens: 1_000,
  keepAlives: 1_000,
}
