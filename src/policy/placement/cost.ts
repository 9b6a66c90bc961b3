import type { DurationMs, MonotonicMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import { NANO_DOLLARS_PER_MS } from '../routing/worth.ts'
import { cachedTokensAt, type PlacementCall } from './call.ts'
import { foreignCalls } from './capacity.ts'
import { contextOf, type PlacementFleet, prefillAheadMs, type ReplicaState } from './fleet.ts'
import { scaleOf, slownessOf } from './speed.ts'
import { ASSUMED_COSTS, FIXED_MS, prefillMs, sequenceStepMs, stepMs } from './work.ts'

/** Of a replica whose price nobody said: about an H100, rented by the hour in 2026. */
const ASSUMED_DOLLARS_PER_HOUR = 2
/** Electricity with what cooling adds. An assumption, about what industry pays in the United States. */
const DOLLARS_PER_KWH = 0.1
const MS_PER_HOUR = 3_600_000
const NANO = 1e9
const W_MS_PER_KWH = 1_000 * MS_PER_HOUR
/** Where nobody waits for a first token, some time somebody waits for the work. */
const UNWATCHED = 0.1
/** What a millisecond between later tokens is worth beside one before the first: people read while they come. */
const LATER = 0.5
/** Of the life of a call, so much is shared with each of those that are there when it comes. */
const OVERLAP = 0.5
/** What is evicted would have been asked for again this often: it is what was not used for longest. */
const REUSED = 0.2

/** What a call costs at a replica more than nothing, in nano-dollars. For deciding; nobody is billed by it, so it need not be exact. */
export interface PlacementCost {
  /** Until its first token, and for what a slow replica takes longer after that. */
  readonly waiting: number
  /** The tier's target missed, as likely as that is. */
  readonly missing: number
  /** Calls that run there wait for its prefill and have slower steps, and it has slower steps for them. */
  readonly delaying: number
  /** The accelerators' time, by the hour, and what they draw more than idle. */
  readonly accelerator: number
  readonly energy: number
  /** What its prompt drives out of the cache and will have to be read again. */
  readonly evicting: number
}

/** What a call at a replica would be like. */
export interface Prospect {
  readonly state: ReplicaState
  readonly cachedTokens: Tokens
  readonly timeToFirstTokenMs: DurationMs
  readonly cost: PlacementCost
  /** In nano-dollars, over all terms. */
  readonly total: number
}

/** What a millisecond until the first token of a call is worth, in nano-dollars. */
export function worthOfMs({ tier }: PlacementCall): number {
  return tier.timeToFirstTokenMs === null ? UNWATCHED * NANO_DOLLARS_PER_MS : NANO_DOLLARS_PER_MS
}

/**
 * What a call would be like at a replica, by the step-time model with what was learnt of pool and replica. What is the same
 * at all of them is left out where it would hide differences: the decode steps that any replica would need. Reading the
 * weights in each step counts for nobody, so that saving power is no reason to crowd.
 */
export function prospectOf(
  fleet: PlacementFleet,
  call: PlacementCall,
  state: ReplicaState,
  now: MonotonicMs,
): Prospect {
  const costs = fleet.pool.costs ?? ASSUMED_COSTS
  const slowness = slownessOf(state.speed, now)
  const factor = scaleOf(fleet.speed) * slowness
  const cachedTokens = cachedTokensAt(call, state.replica)
  const others = state.inFlight + foreignCalls(state.capacity, now)
  const ownPrefillMs = prefillMs(costs, call.inputTokens, cachedTokens) * factor
  const firstStepMs = stepMs(costs, others + 1, state.contextTokens + call.inputTokens) * factor
  const timeToFirstTokenMs = FIXED_MS + prefillAheadMs(fleet, state, now) + ownPrefillMs + firstStepMs
  const ownStepMs = sequenceStepMs(costs, contextOf(call)) * slowness
  const othersStepMs = (others * costs.decodeSequenceMs + state.contextTokens * costs.contextTokenMs) * slowness
  const laggingMs = call.outputTokens * costs.decodeStepMs * (slowness - 1)
  const decodeDelayMs = OVERLAP * call.outputTokens * (others * ownStepMs + othersStepMs)
  const busyMs = ownPrefillMs + call.outputTokens * ownStepMs
  const perMs = worthOfMs(call)
  const hourly = acceleratorRate(fleet)
  const cost: PlacementCost = {
    waiting: perMs * (timeToFirstTokenMs + LATER * laggingMs),
    missing: missing(call, timeToFirstTokenMs),
    delaying: NANO_DOLLARS_PER_MS * LATER * (others * ownPrefillMs + decodeDelayMs),
    accelerator: busyMs * hourly,
    energy: busyMs * energyRate(fleet),
    evicting: evictedTokens(call, state) * costs.prefillTokenMs * factor * REUSED * (hourly + NANO_DOLLARS_PER_MS),
  }
  const { waiting, delaying, accelerator, energy, evicting } = cost
  const total = waiting + cost.missing + delaying + accelerator + energy + evicting
  return { state, cachedTokens, timeToFirstTokenMs, cost, total }
}

/** Expected times are not exact: near the target it may be missed or met, at half of it seldom. */
function missing({ tier, waitedMs }: PlacementCall, timeToFirstTokenMs: DurationMs): number {
  if (tier.timeToFirstTokenMs === null) return 0
  const square = ((waitedMs + timeToFirstTokenMs) / tier.timeToFirstTokenMs) ** 2
  const odds = square * square
  return (odds / (1 + odds)) * Number(tier.missedTargetDollars)
}

function evictedTokens({ prompt, matches }: PlacementCall, state: ReplicaState): Tokens {
  const added = prompt.hashes.length - matches[state.replica]!
  const over = state.cachedBlocks + added - state.cacheBlocks
  return Math.max(0, Math.min(over, added)) * prompt.blockTokens
}

/** Nano-dollars of a millisecond of a replica. */
function acceleratorRate({ pool }: PlacementFleet): number {
  return ((pool.dollarsPerHour ?? ASSUMED_DOLLARS_PER_HOUR) * NANO) / MS_PER_HOUR
}

/** Nano-dollars of what a replica draws in a millisecond more than idle; nothing where nobody knows. */
function energyRate({ pool }: PlacementFleet): number {
  return pool.watts === null ? 0 : ((pool.watts.busy - pool.watts.idle) * DOLLARS_PER_KWH * NANO) / W_MS_PER_KWH
}
