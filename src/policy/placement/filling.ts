import type { DurationMs, MonotonicMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { EngineCosts } from '../../vocabulary/scheduling.ts'
import { contextOf, type PlacementCall } from './call.ts'
import { sequenceStepMs } from './work.ts'

/*
 * Calls of a tier without a target fill what the others leave idle. Nobody waits for their first tokens, so they come
 * where they make nobody wait for one.
 */

/** Where somebody waited for a first token so lately, more are expected who do. */
export const WATCHED_MS: DurationMs = 60_000
/**
 * Of a replica's time so much goes to reading their prompts, where something else keeps it busy: whoever comes meanwhile
 * waits for the rest of one, and what is read drives beginnings out of the cache. Chosen on the traffic of
 * bench/studies/FILLING.md: with 5 to 10 % the slowest hundredth of first tokens comes later by more than 5 % more often.
 */
const READING_PART = 0.03
/** All of them together make a decode step longer by so much of what it takes with none. */
const SLOWING_PART = 0.2
/** Of the KV cache so much is theirs at most: for what they hold, beginnings of others had to go. */
const HOLDING_PART = 0.1
/** Where the others leave no gap, one of them comes to a replica so often all the same: nobody starves. */
const STARVING_MS: DurationMs = 10_000

/** What calls that fill have of a replica. */
export interface Filling {
  calls: number
  /** By how much they make a decode step longer. */
  stepMs: DurationMs
  heldTokens: Tokens
  /** When the last one was placed, and from when on the time of the replica has room for the reading of another. */
  placedAt: MonotonicMs
  restsUntil: MonotonicMs
}

/** What one of them takes of a replica. */
export interface Filler {
  readonly stepMs: DurationMs
  readonly heldTokens: Tokens
}

export function newFilling(): Filling {
  return {
    calls: 0,
    stepMs: 0,
    heldTokens: 0,
    placedAt: Number.NEGATIVE_INFINITY,
    restsUntil: Number.NEGATIVE_INFINITY,
  }
}

/** Whether nobody waits for its first token. */
export function isFiller({ tier }: Pick<PlacementCall, 'tier'>): boolean {
  return tier.timeToFirstTokenMs === null
}

/** What a call takes there, without what it may share. */
export function fillerOf(call: Pick<PlacementCall, 'inputTokens' | 'outputTokens'>, costs: EngineCosts): Filler {
  return { stepMs: sequenceStepMs(costs, contextOf(call)), heldTokens: call.inputTokens + call.outputTokens }
}

/** Whether a replica has room for one more of them beside those who wait for first tokens. */
export function hasRoomToFill(
  filling: Filling,
  { stepMs, heldTokens }: Filler,
  there: {
    readonly costs: EngineCosts
    /** None of our calls is there. */
    readonly isIdle: boolean
    /** Until the prefills there are done, whosever they are. */
    readonly aheadMs: DurationMs
    /** Null where nobody knows. */
    readonly kvTokens: Tokens | null
    readonly now: MonotonicMs
  },
): boolean {
  if (there.now - filling.placedAt >= STARVING_MS) return true
  // Else nothing would be done there, and a single one does little harm.
  if (there.isIdle) return true
  if (there.aheadMs > 0) return false
  if (there.now < filling.restsUntil) return false
  if (filling.stepMs + stepMs > SLOWING_PART * there.costs.decodeStepMs) return false
  return there.kvTokens === null || filling.heldTokens + heldTokens <= HOLDING_PART * there.kvTokens
}

/** @param readingMs how long its prompt takes there */
export function fill(filling: Filling, { stepMs, heldTokens }: Filler, readingMs: DurationMs, now: MonotonicMs): void {
  filling.calls++
  filling.stepMs += stepMs
  filling.heldTokens += heldTokens
  filling.placedAt = now
  filling.restsUntil = Math.max(now, filling.restsUntil) + readingMs / READING_PART
}

export function unfill(filling: Filling, { stepMs, heldTokens }: Filler): void {
  filling.calls--
  filling.stepMs = Math.max(0, filling.stepMs - stepMs)
  filling.heldTokens = Math.max(0, filling.heldTokens - heldTokens)
}
