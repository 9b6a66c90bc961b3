import type { DurationMs, MonotonicMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { EngineCosts } from '../../vocabulary/scheduling.ts'
import { NANO_DOLLARS_PER_MS } from '../routing/worth.ts'
import { cachedTokensAt, contextOf, type PlacementCall } from './call.ts'
import { foreignCalls } from './capacity.ts'
import { type PlacementFleet, type Popular, popularOf, prefillAheadMs, type ReplicaState } from './fleet.ts'
import { scaleOf, slownessOf, wholeScaleOf } from './speed.ts'
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
/** Replicas whose answers come by so much sooner or later are taken to be alike. */
const LITTLE_MS: DurationMs = 15
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
  /** All of it together. */
  readonly total: number
}

/** What a call at a replica would be like. */
export interface Prospect extends PlacementCost {
  readonly state: ReplicaState
  readonly cachedTokens: Tokens
  readonly timeToFirstTokenMs: DurationMs
}

/** What is the same wherever a call goes. */
export interface Question {
  readonly call: PlacementCall
  readonly now: MonotonicMs
  readonly costs: EngineCosts
  readonly scale: number
  /** The same of whole plain answers, and how long one takes that is like this call, where nothing is cached. */
  readonly wholeScale: number
  readonly usualMs: DurationMs
  readonly popular: Popular
  readonly ownStepMs: DurationMs
  /** Infinite where there is none. */
  readonly targetMs: DurationMs
  readonly missedTarget: number
  /** What a millisecond until its first token, of the accelerators, and of their power is worth. */
  readonly perMs: number
  readonly acceleratorPerMs: number
  readonly energyPerMs: number
}

export function questionOf(fleet: PlacementFleet, call: PlacementCall, now: MonotonicMs): Question {
  const { pool } = fleet
  const costs = pool.costs ?? ASSUMED_COSTS
  const wholeScale = wholeScaleOf(fleet.speed)
  const watts = pool.watts === null ? 0 : pool.watts.busy - pool.watts.idle
  return {
    call,
    now,
    costs,
    scale: scaleOf(fleet.speed),
    wholeScale,
    usualMs: (FIXED_MS + prefillMs(costs, call.inputTokens, 0) + call.outputTokens * costs.decodeStepMs) * wholeScale,
    popular: popularOf(fleet, call),
    ownStepMs: sequenceStepMs(costs, contextOf(call)),
    targetMs: call.tier.timeToFirstTokenMs ?? Number.POSITIVE_INFINITY,
    missedTarget: Number(call.tier.missedTargetDollars),
    perMs: call.tier.timeToFirstTokenMs === null ? UNWATCHED * NANO_DOLLARS_PER_MS : NANO_DOLLARS_PER_MS,
    acceleratorPerMs: ((pool.dollarsPerHour ?? ASSUMED_DOLLARS_PER_HOUR) * NANO) / MS_PER_HOUR,
    energyPerMs: (watts * DOLLARS_PER_KWH * NANO) / W_MS_PER_KWH,
  }
}

/**
 * What a call would be like at a replica, by the step-time model with what was learnt of pool and replica. What is the same
 * at all of them is left out where it would hide differences: the decode steps that any replica would need. Reading the
 * weights in each step counts for nobody, so that saving power is no reason to crowd. Reading what many prompts begin with
 * at one more replica is an investment: the call that makes it is charged its part, or a replica that nobody has sent
 * such a prompt to would idle until the others are full.
 */
export function prospectOf(question: Question, state: ReplicaState): Prospect {
  const { call, now, costs, scale, popular } = question
  const slowness = slownessFor(question, state)
  const factor = scale * slowness
  const cachedTokens = cachedTokensAt(call, state.replica)
  const others = state.inFlight + foreignCalls(state.capacity, now)
  // Whoever has no target minds little that something takes longer.
  const delayed = others - (1 - UNWATCHED) * state.filling.calls
  const ownPrefillMs = prefillMs(costs, call.inputTokens, cachedTokens) * factor
  const firstStepMs = stepMs(costs, others + 1, state.contextTokens + call.inputTokens) * factor
  const timeToFirstTokenMs = FIXED_MS + prefillAheadMs(state, factor, now) + ownPrefillMs + firstStepMs
  const investedTokens = popular.tokens > cachedTokens ? popular.tokens - cachedTokens : 0
  const investedMs = investedTokens * costs.prefillTokenMs * factor * popular.paidBack
  const ownStepMs = question.ownStepMs * slowness
  const othersStepMs = (others * costs.decodeSequenceMs + state.contextTokens * costs.contextTokenMs) * slowness
  const laggingMs = call.outputTokens * costs.decodeStepMs * question.wholeScale * (slowness - 1)
  const decodeDelayMs = OVERLAP * call.outputTokens * (delayed * ownStepMs + othersStepMs)
  const busyMs = ownPrefillMs - investedMs + call.outputTokens * ownStepMs
  const rereadMs = evictedTokens(call, state) * costs.prefillTokenMs * factor

  const waiting = question.perMs * (timeToFirstTokenMs - investedMs + LATER * laggingMs)
  const missing = missChance(question.targetMs, call.waitedMs + timeToFirstTokenMs) * question.missedTarget
  const delaying = NANO_DOLLARS_PER_MS * LATER * (delayed * (ownPrefillMs - investedMs) + decodeDelayMs)
  const accelerator = busyMs * question.acceleratorPerMs
  const energy = busyMs * question.energyPerMs
  const evicting = rereadMs * REUSED * (question.acceleratorPerMs + NANO_DOLLARS_PER_MS)
  const total = waiting + missing + delaying + accelerator + energy + evicting
  return { state, cachedTokens, timeToFirstTokenMs, waiting, missing, delaying, accelerator, energy, evicting, total }
}

/** A difference of few milliseconds is no reason to leave a replica alone: what is idle can't show that it is as quick by now. */
function slownessFor({ usualMs, now }: Question, { speed }: ReplicaState): number {
  const slowness = slownessOf(speed, now)
  return Math.abs(slowness - 1) * usualMs < LITTLE_MS ? 1 : slowness
}

/** How likely a target is missed. Expected times are not exact: near it either may come, at half of it a miss is seldom. */
function missChance(targetMs: DurationMs, expectedMs: DurationMs): number {
  const square = (expectedMs / targetMs) ** 2
  return 1 - 1 / (1 + square * square)
}

function evictedTokens({ prompt, matches }: PlacementCall, state: ReplicaState): Tokens {
  const added = prompt.hashes.length - matches[state.replica]!
  const over = state.cachedBlocks + added - state.cacheBlocks
  return Math.max(0, Math.min(over, added)) * prompt.blockTokens
}
