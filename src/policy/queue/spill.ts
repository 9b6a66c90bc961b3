import type { NanoDollars } from '../../units/money.ts'
import type { DurationMs } from '../../units/time.ts'
import type { SpillRecord } from '../../vocabulary/scheduling.ts'
import type { Tier } from '../../vocabulary/tier.ts'

/** What is known of a call that waits, or would have to, and could go to a hosted deployment. */
export interface SpillAsk {
  readonly tier: Tier
  readonly waitedMs: DurationMs
  /** After so long it is refused, whatever its target: it will have missed it. */
  readonly mostWaitMs: DurationMs
  /** How much longer it is expected to wait; null when nothing is known of waits. */
  readonly expectedWaitMs: DurationMs | null
  /** From its start to its first token. */
  readonly expectedPrefillMs: DurationMs
  /** What the hosted deployment would cost more; null when that is not known. */
  readonly moreDollars: NanoDollars | null
  /** Whether the queue has no room for it. */
  readonly isFull: boolean
}

/** Either it leaves, or it stays and the question is asked again after so long: null when time alone changes nothing. */
export type SpillDecision = { readonly spill: SpillRecord } | { readonly recheckInMs: DurationMs | null }

const STAYS: SpillDecision = { recheckInMs: null }

/** Chance that a wait of this mean, which is as uncertain as an exponential one, leaves too little for the first token. */
function chanceOfMissing(ask: SpillAsk, leftMs: DurationMs): number {
  if (leftMs <= 0) return 1
  const meanMs = meanWaitMs(ask)
  return meanMs > 0 ? Math.exp(-leftMs / meanMs) : 0
}

/** Where nothing is known of waits, one that has lasted so long will probably last as long again. */
function meanWaitMs({ expectedWaitMs, waitedMs }: SpillAsk): DurationMs {
  return expectedWaitMs ?? waitedMs
}

/**
 * Decides whether a call leaves the queue for a hosted deployment. Pure. It does when missing its tier's target, by the
 * chance of that, is worth more than the hosted deployment costs more; and when the queue is full. The wait still to
 * come is taken for exponential around what is expected, so that a short estimate is no promise. A tier without a
 * target never spills, not even from a full queue; where the difference in price is unknown, only a full queue spills.
 */
export function decideSpill(ask: SpillAsk): SpillDecision {
  const { tier, moreDollars } = ask
  if (tier.timeToFirstTokenMs === null) return STAYS
  const leftMs = Math.min(tier.timeToFirstTokenMs - ask.waitedMs - ask.expectedPrefillMs, ask.mostWaitMs)
  const chance = chanceOfMissing(ask, leftMs)
  const harm = chance === 1 ? tier.missedTargetDollars : BigInt(Math.floor(Number(tier.missedTargetDollars) * chance))
  if (ask.isFull) return { spill: recordOf(ask, 'full', harm) }
  if (moreDollars === null) return STAYS
  if (harm > moreDollars) return { spill: recordOf(ask, 'target', harm) }
  if (tier.missedTargetDollars <= moreDollars) return STAYS
  // A hair later, so that what is reckoned then is not less by a rounding.
  return { recheckInMs: Math.max(1, Math.ceil(worthInMs(ask, leftMs, moreDollars) + 1e-6)) }
}

/** How long until the chance of missing makes it worth the difference, if nothing is heard meanwhile. */
function worthInMs(ask: SpillAsk, leftMs: DurationMs, moreDollars: NanoDollars): DurationMs {
  // Worth it is a billionth of a dollar more than the difference.
  const ratio = Math.log(Number(ask.tier.missedTargetDollars) / (Number(moreDollars) + 1))
  if (ask.expectedWaitMs !== null) return Math.max(0, leftMs - ratio * ask.expectedWaitMs)
  // The mean grows with the wait itself: left - t = ratio × (waited + t).
  return Math.max(0, (leftMs - ratio * ask.waitedMs) / (1 + ratio))
}

function recordOf(ask: SpillAsk, why: SpillRecord['why'], harm: NanoDollars): SpillRecord {
  const { expectedWaitMs, moreDollars, waitedMs, expectedPrefillMs } = ask
  return {
    why,
    expectedMs: expectedWaitMs === null ? null : waitedMs + expectedWaitMs + expectedPrefillMs,
    targetMs: ask.tier.timeToFirstTokenMs,
    // Before anything is known of waits, a call that the queue has no room for has no chance to reckon with.
    harmDollars: why === 'full' && expectedWaitMs === null ? null : harm,
    moreDollars,
  }
}
