import type { NanoDollars } from '../units/money.ts'
import type { DurationMs } from '../units/time.ts'

/** A class of service that calls are made in. */
export interface Tier {
  readonly name: string
  /** Its share of the service while several tiers have calls waiting, above 0. */
  readonly weight: number
  /** What its callers expect to wait for the first token at most; null where nobody waits. */
  readonly timeToFirstTokenMs: DurationMs | null
  /** What it is worth not to miss that once. */
  readonly missedTargetDollars: NanoDollars
}

/** What a missed target is worth where nobody said: a cent. */
export const DEFAULT_MISSED_TARGET: NanoDollars = 10_000_000n

export const DEFAULT_TIERS: readonly Tier[] = [
  { name: 'interactive', weight: 8, timeToFirstTokenMs: 1_000, missedTargetDollars: DEFAULT_MISSED_TARGET },
  { name: 'standard', weight: 4, timeToFirstTokenMs: 10_000, missedTargetDollars: DEFAULT_MISSED_TARGET },
  { name: 'batch', weight: 1, timeToFirstTokenMs: null, missedTargetDollars: DEFAULT_MISSED_TARGET },
]

/** The tier of a call that names none, whose key names none either. */
export const DEFAULT_TIER = 'standard'
