import type { DurationMs, MonotonicMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { Pool } from '../../vocabulary/scheduling.ts'
import { cachedTokensAt, type PlacementCall } from './call.ts'
import { type Capacity, freePlaces, heardLoad, LATELY_MS, newCapacity, type ToldLoad } from './capacity.ts'
import {
  heardAnswer,
  newPoolSpeed,
  newReplicaSpeed,
  type PoolSpeed,
  type ReplicaSpeed,
  scaleOf,
  slownessOf,
} from './speed.ts'
import { ASSUMED_COSTS, FIXED_MS, prefillMs, stepMs } from './work.ts'

/** Of the KV cache so much may be promised to calls; expectations are not exact, and an engine that runs out recomputes. */
const KV_SHARE = 0.95
/** An answer whose end comes so soon after its first content came all at once. */
const AT_ONCE_MS: DurationMs = 5
const AT_ONCE_PART = 0.1

/** A replica as placement knows it, changed only by the functions of this file and by whoever keeps its standing. */
export interface ReplicaState {
  /** Its place in the list of replicas, from 0. */
  readonly replica: number
  /** As its breaker says: `recovering` has as many calls as it should have so soon, `left` may not be asked. */
  standing: 'ready' | 'recovering' | 'left'
  isDraining: boolean
  readonly capacity: Capacity
  readonly speed: ReplicaSpeed
  /** Own calls under way, and the most since the last reading of its metrics. */
  inFlight: number
  peakInFlight: number
  /** Of own calls under way: tokens that their decode steps read, and tokens that they will hold in the KV cache. */
  contextTokens: Tokens
  heldTokens: Tokens
  /** Modelled time of the prefills of calls that have not begun to answer, and until when all of them take by the clock. */
  prefillMs: DurationMs
  busyUntil: MonotonicMs
  /** Which call of the fleet was placed here last, counted from 1; 0 before the first. */
  lastTurn: number
  /** Calls placed here, those before fading as time goes by. */
  placedLately: number
  placedAt: MonotonicMs
  /** Blocks that the prefix index knows of it, and has room for. */
  cachedBlocks: number
  cacheBlocks: number
  /** How often each beginning of a power of two of blocks is among the prompts of own calls under way, by its hash. */
  readonly beginnings: Map<number, number>
}

/** The replicas of one pool. */
export interface PlacementFleet {
  readonly pool: Pick<Pool, 'maxRunning' | 'costs' | 'kvTokens' | 'dollarsPerHour' | 'watts'>
  readonly speed: PoolSpeed
  /** Calls that were ever placed. */
  turns: number
  /** Those there are, in any order. */
  readonly replicas: ReplicaState[]
}

/** A call under way at a replica: what is taken back when it ends. */
export interface Stay {
  readonly state: ReplicaState
  readonly call: PlacementCall
  readonly placedAt: MonotonicMs
  readonly prefillMs: DurationMs
  readonly heldTokens: Tokens
  /** By the model: until its first token, and of each token after it. */
  readonly firstMs: DurationMs
  readonly tokenMs: DurationMs
  begun: { readonly at: MonotonicMs; readonly waitedMs: DurationMs } | null
}

export function newFleet(pool: PlacementFleet['pool']): PlacementFleet {
  return { pool, speed: newPoolSpeed(), turns: 0, replicas: [] }
}

/** A replica of which nothing is known yet. */
export function newReplica(replica: number, cacheBlocks: number, now: MonotonicMs): ReplicaState {
  return {
    replica,
    standing: 'ready',
    isDraining: false,
    capacity: newCapacity(now),
    speed: newReplicaSpeed(now),
    inFlight: 0,
    peakInFlight: 0,
    contextTokens: 0,
    heldTokens: 0,
    prefillMs: 0,
    busyUntil: now,
    lastTurn: 0,
    placedLately: 0,
    placedAt: now,
    cachedBlocks: 0,
    cacheBlocks,
    beginnings: new Map(),
  }
}

/** Whether a replica has a place for a call: one of those it runs at once, and the room in its KV cache where its size is known. */
export function hasPlace(fleet: PlacementFleet, state: ReplicaState, call: PlacementCall, now: MonotonicMs): boolean {
  const { inFlight, capacity } = state
  if (freePlaces(capacity, { inFlight, maxRunning: fleet.pool.maxRunning, now }) <= 0) return false
  const kvTokens = capacity.kvTokens ?? fleet.pool.kvTokens
  // A call that is alone there gets what it needs or is refused by the engine; no other replica would be better.
  if (kvTokens === null || inFlight === 0) return true
  const room = KV_SHARE * kvTokens - state.heldTokens
  const needed = call.inputTokens + call.outputTokens
  return needed <= room || needed - sharedTokens(state, call) <= room
}

/** Until the prefills of calls that were placed there before are done. Plain answers don't tell when that is, so time does. */
export function prefillAheadMs(fleet: PlacementFleet, state: ReplicaState, now: MonotonicMs): DurationMs {
  const byClock = state.busyUntil - now
  if (byClock <= 0 || state.prefillMs <= 0) return 0
  return Math.min(byClock, state.prefillMs * scaleOf(fleet.speed) * slownessOf(state.speed, now))
}

/** A call goes to a replica. */
export function placed(fleet: PlacementFleet, state: ReplicaState, call: PlacementCall, now: MonotonicMs): Stay {
  const costs = fleet.pool.costs ?? ASSUMED_COSTS
  const factor = scaleOf(fleet.speed) * slownessOf(state.speed, now)
  const ahead = prefillAheadMs(fleet, state, now) / factor
  const own = prefillMs(costs, call.inputTokens, cachedTokensAt(call, state.replica))
  const shared = state.inFlight === 0 ? 0 : sharedTokens(state, call)
  const tokenMs = stepMs(costs, state.inFlight + 1, state.contextTokens + contextOf(call))
  const stay: Stay = {
    state,
    call,
    placedAt: now,
    prefillMs: own,
    heldTokens: Math.max(0, call.inputTokens + call.outputTokens - shared),
    firstMs: FIXED_MS + ahead + own + tokenMs,
    tokenMs,
    begun: null,
  }
  state.inFlight++
  state.peakInFlight = Math.max(state.peakInFlight, state.inFlight)
  state.contextTokens += contextOf(call)
  state.heldTokens += stay.heldTokens
  state.prefillMs += own
  state.busyUntil = Math.max(now, state.busyUntil) + own * factor
  state.placedLately = placedLately(state, now) + 1
  state.placedAt = now
  state.lastTurn = ++fleet.turns
  countBeginnings(state, call, 1)
  return stay
}

/** The first content of its stream, or its whole plain answer, came after so long. */
export function began(stay: Stay, waitedMs: DurationMs, now: MonotonicMs): void {
  if (stay.begun !== null) return
  stay.begun = { at: now, waitedMs }
  stay.state.prefillMs = Math.max(0, stay.state.prefillMs - stay.prefillMs)
}

/**
 * A call has left its replica. Teaches how fast that is where the answer was whole.
 *
 * @param outputTokens as reported; null where nothing is known
 */
export function ended(
  fleet: PlacementFleet,
  stay: Stay,
  { isWhole, outputTokens }: { readonly isWhole: boolean; readonly outputTokens: Tokens | null },
  now: MonotonicMs,
): void {
  const { state, call, begun } = stay
  state.inFlight--
  state.contextTokens = Math.max(0, state.contextTokens - contextOf(call))
  state.heldTokens = Math.max(0, state.heldTokens - stay.heldTokens)
  countBeginnings(state, call, -1)
  if (begun === null) {
    state.prefillMs = Math.max(0, state.prefillMs - stay.prefillMs)
    return
  }
  if (!isWhole) return
  const isAtOnce = now - begun.at <= Math.max(AT_ONCE_MS, AT_ONCE_PART * begun.waitedMs)
  const decodeMs = isAtOnce ? Math.max(0, (outputTokens ?? call.outputTokens) - 1) * stay.tokenMs : 0
  const timing = { modelledMs: stay.firstMs + decodeMs, observedMs: begun.waitedMs }
  heardAnswer(fleet.speed, state.speed, { ...timing, kind: isAtOnce ? 'whole' : 'first' }, now)
}

/**
 * A replica has said what it has to do.
 *
 * @param inFlightThen own calls under way when it was asked
 */
export function heard(
  state: ReplicaState,
  load: ToldLoad,
  {
    askedAt,
    inFlightThen,
    now,
  }: { readonly askedAt: MonotonicMs; readonly inFlightThen: number; readonly now: MonotonicMs },
): void {
  const inFlight = Math.max(inFlightThen, state.inFlight)
  const peak = Math.max(state.peakInFlight, inFlight)
  heardLoad(state.capacity, load, { inFlight, peak, placedLately: placedLately(state, now), askedAt })
  state.peakInFlight = state.inFlight
}

function placedLately(state: ReplicaState, now: MonotonicMs): number {
  return state.placedLately * Math.exp(-Math.max(0, now - state.placedAt) / LATELY_MS)
}

/** What its decode steps read on average: the prompt, and half of the answer. */
export function contextOf(call: PlacementCall): Tokens {
  return call.inputTokens + call.outputTokens / 2
}

/** What a call shares for certain with those under way there; at most half of it is missed. */
function sharedTokens(state: ReplicaState, { prompt, inputTokens }: PlacementCall): Tokens {
  const { hashes, blockTokens } = prompt
  if (hashes.length === 0) return 0
  for (let blocks = 2 ** (31 - Math.clz32(hashes.length)); blocks >= 1; blocks /= 2) {
    if (state.beginnings.has(hashes[blocks - 1]!)) return Math.min(blocks * blockTokens, inputTokens)
  }
  return 0
}

function countBeginnings({ beginnings }: ReplicaState, { prompt: { hashes } }: PlacementCall, by: 1 | -1): void {
  for (let blocks = 1; blocks <= hashes.length; blocks *= 2) {
    const hash = hashes[blocks - 1]!
    const count = (beginnings.get(hash) ?? 0) + by
    if (count > 0) beginnings.set(hash, count)
    else beginnings.delete(hash)
  }
}
