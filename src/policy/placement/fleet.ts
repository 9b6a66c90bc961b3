import type { DurationMs, MonotonicMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { Pool } from '../../vocabulary/scheduling.ts'
import { cachedTokensAt, contextOf, type PlacementCall } from './call.ts'
import { type Capacity, freePlaces, heardLoad, LATELY_MS, newCapacity, type ToldLoad } from './capacity.ts'
import { type Filling, fill, fillerOf, hasRoomToFill, isFiller, newFilling, unfill, WATCHED_MS } from './filling.ts'
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
/** Blocks of the beginnings by which prompts under way are compared: 1, 2, 3, 4, 6, 8, 12 and so on. */
const BEGINNINGS = [1, ...Array.from({ length: 15 }, (_, i) => [2 ** (i + 1), 3 * 2 ** i]).flat()]
/** For each call under way with a beginning, so many more are expected while that stays in a cache. An assumption. */
const USES_TO_COME = 8
const ROUNDING_MS: DurationMs = 1e-6
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
  /** Of all that, what calls have for whose first tokens nobody waits. */
  readonly filling: Filling
  /** How many own calls under way have each beginning of `BEGINNINGS` blocks, by its hash. */
  readonly beginnings: Map<number, number>
}

/** The replicas of one pool. */
export interface PlacementFleet {
  readonly pool: Pick<Pool, 'maxRunning' | 'costs' | 'kvTokens' | 'dollarsPerHour' | 'watts'>
  readonly speed: PoolSpeed
  /** Calls that were ever placed. */
  turns: number
  /** When a call for whose first token somebody waits was here last. */
  watchedAt: MonotonicMs
  /** As each replica has them, over all replicas. */
  readonly beginnings: Map<number, number>
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
  return {
    pool,
    speed: newPoolSpeed(),
    turns: 0,
    watchedAt: Number.NEGATIVE_INFINITY,
    beginnings: new Map(),
    replicas: [],
  }
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
    filling: newFilling(),
    beginnings: new Map(),
  }
}

/** Whether a replica has a place for a call: one of those it runs at once, and the room in its KV cache where its size is known. */
export function hasPlace(fleet: PlacementFleet, state: ReplicaState, call: PlacementCall, now: MonotonicMs): boolean {
  const { inFlight, capacity } = state
  if (freePlaces(capacity, { inFlight, maxRunning: fleet.pool.maxRunning, now }) <= 0) return false
  if (isHeldBack(fleet, state, call, now)) return false
  const kvTokens = capacity.kvTokens ?? fleet.pool.kvTokens
  if (kvTokens === null) return true
  const needed = call.inputTokens + call.outputTokens
  const room = KV_SHARE * kvTokens - state.heldTokens
  // One that is alone gets what it needs, and one larger than the cache could wait for ever: both are the engine's to refuse.
  if (inFlight === 0 || needed > KV_SHARE * kvTokens) return true
  return needed <= room || needed - sharedTokens(state, call) <= room
}

/**
 * Whether a call leaves room at a replica for those who wait for first tokens. Where none of them was here lately it has
 * all of it, as it has where the pool says how many calls its replicas run, since then each of those places is there to be
 * used, and where nobody knows what its calls take.
 */
export function leavesRoom(
  { pool, watchedAt }: PlacementFleet,
  { inFlight, filling }: ReplicaState,
  call: Pick<PlacementCall, 'tier'>,
  now: MonotonicMs,
): boolean {
  if (!isFiller(call) || pool.maxRunning !== null || pool.costs === null) return false
  return inFlight > filling.calls || now - watchedAt < WATCHED_MS
}

/** Whether any call of a tier, were it ever so small, would be let in at any replica: a quick look before many are asked about. */
export function letsIn(fleet: PlacementFleet, tier: PlacementCall['tier'], now: MonotonicMs): boolean {
  const smallest = { tier, inputTokens: 0, outputTokens: 0 }
  return fleet.replicas.some(state => !isHeldBack(fleet, state, smallest, now))
}

function isHeldBack(
  fleet: PlacementFleet,
  state: ReplicaState,
  call: Pick<PlacementCall, 'tier' | 'inputTokens' | 'outputTokens'>,
  now: MonotonicMs,
): boolean {
  if (!leavesRoom(fleet, state, call, now)) return false
  const { pool, speed } = fleet
  const costs = pool.costs!
  const aheadMs = prefillAheadMs(state, scaleOf(speed) * slownessOf(state.speed, now), now)
  const kvTokens = state.capacity.kvTokens ?? pool.kvTokens
  return !hasRoomToFill(state.filling, fillerOf(call, costs), {
    costs,
    isIdle: state.inFlight === 0,
    aheadMs,
    kvTokens,
    now,
  })
}

/**
 * Until the prefills of calls that were placed there before are done. Plain answers don't tell when that is, so time does.
 *
 * @param factor by which things take longer there than the model says
 */
export function prefillAheadMs(state: ReplicaState, factor: number, now: MonotonicMs): DurationMs {
  const byClock = state.busyUntil - now
  return byClock <= 0 ? 0 : Math.min(byClock, state.prefillMs * factor)
}

/** A call goes to a replica. */
export function placed(fleet: PlacementFleet, state: ReplicaState, call: PlacementCall, now: MonotonicMs): Stay {
  const costs = fleet.pool.costs ?? ASSUMED_COSTS
  const factor = scaleOf(fleet.speed) * slownessOf(state.speed, now)
  const ahead = prefillAheadMs(state, factor, now) / factor
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
  if (isFiller(call)) fill(state.filling, fillerOf(call, costs), own * factor, now)
  else fleet.watchedAt = now
  countBeginnings(state.beginnings, call, 1)
  countBeginnings(fleet.beginnings, call, 1)
  return stay
}

/** What a sum of many is left with by rounding is no prefill that anybody waits for. */
function prefilled({ state, prefillMs: own }: Stay): void {
  const left = state.prefillMs - own
  state.prefillMs = left > ROUNDING_MS ? left : 0
}

/** The first content of its stream, or its whole plain answer, came after so long. */
export function began(stay: Stay, waitedMs: DurationMs, now: MonotonicMs): void {
  if (stay.begun !== null) return
  stay.begun = { at: now, waitedMs }
  prefilled(stay)
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
  if (isFiller(call)) unfill(state.filling, fillerOf(call, fleet.pool.costs ?? ASSUMED_COSTS))
  else fleet.watchedAt = now
  countBeginnings(state.beginnings, call, -1)
  countBeginnings(fleet.beginnings, call, -1)
  if (begun === null) {
    prefilled(stay)
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

/** What a call shares for certain with those under way there; at most a third of it is missed. */
function sharedTokens(state: ReplicaState, { prompt, inputTokens }: PlacementCall): Tokens {
  const { hashes, blockTokens } = prompt
  for (let i = BEGINNINGS.length - 1; i >= 0; i--) {
    const blocks = BEGINNINGS[i]!
    if (blocks > hashes.length || !state.beginnings.has(hashes[blocks - 1]!)) continue
    return Math.min(blocks * blockTokens, inputTokens)
  }
  return 0
}

/** Tokens that a call begins with as others do that are under way, anywhere in the fleet, and the part that is theirs. */
export interface Popular {
  readonly tokens: Tokens
  /** From 0 to below 1: of reading them once more, what will be made good by calls to come. */
  readonly paidBack: number
}

const UNPOPULAR: Popular = { tokens: 0, paidBack: 0 }

/** Of all beginnings that others have too, the one of which most will be paid back. */
export function popularOf(fleet: PlacementFleet, { prompt, inputTokens }: PlacementCall): Popular {
  const { hashes, blockTokens } = prompt
  let popular = UNPOPULAR
  for (const blocks of BEGINNINGS) {
    if (blocks > hashes.length) break
    const sharing = fleet.beginnings.get(hashes[blocks - 1]!)
    if (sharing === undefined) break
    const paidBack = 1 - 1 / (1 + USES_TO_COME * sharing)
    const tokens = Math.min(blocks * blockTokens, inputTokens)
    if (tokens * paidBack > popular.tokens * popular.paidBack) popular = { tokens, paidBack }
  }
  return popular
}

function countBeginnings(beginnings: Map<number, number>, { prompt: { hashes } }: PlacementCall, by: 1 | -1): void {
  for (const blocks of BEGINNINGS) {
    if (blocks > hashes.length) return
    const hash = hashes[blocks - 1]!
    const count = (beginnings.get(hash) ?? 0) + by
    if (count > 0) beginnings.set(hash, count)
    else beginnings.delete(hash)
  }
}
