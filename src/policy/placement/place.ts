import type { DurationMs, MonotonicMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { PlacementCall } from './call.ts'
import { freePlaces } from './capacity.ts'
import { type PlacementCost, type Prospect, prospectOf, type Question, questionOf } from './cost.ts'
import { hasPlace, leavesRoom, type PlacementFleet, type ReplicaState } from './fleet.ts'

/** Differences of this part of the whole, or worth so many milliseconds, mean nothing. */
const NOISE_PART = 0.1
const NOISE_MS: DurationMs = 2

/**
 * A replica that is full is worth waiting for where it would be so much better than those that are not: about what passes
 * until one of its calls ends. In rehearsals, 0.5 to 2 s do equally well.
 */
const PLACE_WAIT_MS: DurationMs = 1_000
/** Whoever has waited for so long takes what there is: the replica that would be best for it is best for many. */
const MOST_CHOOSY_MS: DurationMs = 20_000

/** The rank of a replica that may not be asked; the others have less. */
const NOT_ASKED = 4

/** Where a call goes. */
export interface Placement {
  readonly state: ReplicaState
  /** Its place in the list of replicas, from 0. */
  readonly replica: number
  readonly expectedCachedTokens: Tokens
  /** As expected; null by a policy that does not ask. */
  readonly timeToFirstTokenMs: DurationMs | null
  readonly cost: PlacementCost | null
}

/**
 * Decides which replica a call goes to: the one where it costs least, all told. A cached beginning is worth the prefill
 * that it saves, no more, so it draws calls only until the wait for it is longer. Among those that are as good, but for
 * noise, it goes where fewest calls are under way, then where least is cached, so that new conversations are spread, then
 * where none has gone for longest.
 *
 * @param fleet as it is kept by `placed`, `began`, `ended` and `heard`, which this changes nothing of
 * @returns null where none that should be asked has a place now, and where one that is full is worth waiting for: what is
 *   read again at a replica that is free, everybody else waits for
 */
export function place(call: PlacementCall, fleet: PlacementFleet, now: MonotonicMs): Placement | null {
  const open = openReplicas(call, fleet, now)
  if (open.length === 0) return null
  const question = questionOf(fleet, call, now)
  const prospects = new Array<Prospect>(open.length)
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < open.length; i++) {
    const prospect = prospectOf(question, open[i]!)
    prospects[i] = prospect
    if (prospect.total < least) least = prospect.total
  }
  const bound = least + NOISE_PART * Math.abs(least) + NOISE_MS * question.perMs
  if (isWorthWaiting(question, fleet, { open, least })) return null
  return placementAt(preferred(prospects, bound, call))
}

/** Whether one that is full would do so much better than those that are not. */
function isWorthWaiting(
  question: Question,
  { replicas }: PlacementFleet,
  { open, least }: { readonly open: readonly ReplicaState[]; readonly least: number },
): boolean {
  const { call, perMs } = question
  if (open.length === replicas.length || call.patienceMs < PLACE_WAIT_MS || call.waitedMs >= MOST_CHOOSY_MS)
    return false
  const rank = rankOf(open[0]!, call)
  const most = least - PLACE_WAIT_MS * perMs
  return replicas.some(
    state => rankOf(state, call) === rank && !open.includes(state) && prospectOf(question, state).total < most,
  )
}

/** Among those that cost no more than the bound, by how they stand, else by the draw. */
function preferred(prospects: readonly Prospect[], bound: number, call: PlacementCall): Prospect {
  let best: Prospect | null = null
  let ties = 0
  for (const prospect of prospects) {
    if (prospect.total > bound) continue
    const order = best === null ? -1 : compare(prospect.state, best.state, call)
    if (order > 0) continue
    ties = order < 0 ? 1 : ties + 1
    if (order < 0) best = prospect
  }
  return ties > 1 ? drawn(prospects, { best: best!, bound, ties }, call) : best!
}

function placementAt(prospect: Prospect): Placement {
  const { state, cachedTokens, timeToFirstTokenMs } = prospect
  // Every call comes by here: the prospect is its cost, and is not copied to leave out what else it says.
  return { state, replica: state.replica, expectedCachedTokens: cachedTokens, timeToFirstTokenMs, cost: prospect }
}

/**
 * Those with a place among those that should be asked: that are ready before those that recover, and ones that have not
 * failed this call before those that have. A place at a replica that should not be asked yet is no reason to ask it.
 */
export function openReplicas(call: PlacementCall, fleet: PlacementFleet, now: MonotonicMs): readonly ReplicaState[] {
  let best = NOT_ASKED
  const open: ReplicaState[] = []
  for (const state of fleet.replicas) {
    const rank = rankOf(state, call)
    if (rank > best || rank === NOT_ASKED) continue
    if (rank < best) open.length = 0
    best = rank
    if (hasPlace(fleet, state, call, now)) open.push(state)
  }
  return open
}

/**
 * Whether a call for which no place was found lacks nothing but room in a cache, at one that it should be sent to. One that
 * leaves room for others does not: they need not leave any for it.
 */
export function lacksRoom(
  call: Pick<PlacementCall, 'tried' | 'tier'>,
  fleet: PlacementFleet,
  now: MonotonicMs,
): boolean {
  let best = NOT_ASKED
  let isFree = false
  for (const state of fleet.replicas) {
    const rank = rankOf(state, call)
    if (rank > best || rank === NOT_ASKED) continue
    if (rank < best) isFree = false
    best = rank
    const { inFlight, capacity } = state
    if (leavesRoom(fleet, state, call, now)) return false
    isFree ||= freePlaces(capacity, { inFlight, maxRunning: fleet.pool.maxRunning, now }) > 0
  }
  return isFree
}

function rankOf(state: ReplicaState, { tried }: Pick<PlacementCall, 'tried'>): number {
  if (state.standing === 'left' || state.isDraining) return NOT_ASKED
  const isTried = tried.length > 0 && tried.includes(state.replica)
  return (isTried ? 2 : 0) + (state.standing === 'recovering' ? 1 : 0)
}

/** Below 0 where the one is to be preferred, of two that cost the same. A call that leaves nothing in caches minds none. */
function compare(one: ReplicaState, other: ReplicaState, { prompt }: PlacementCall): number {
  const watched = watchedIn(one) - watchedIn(other)
  if (watched !== 0) return watched
  if (one.inFlight !== other.inFlight) return one.inFlight - other.inFlight
  if (prompt.hashes.length > 0 && one.cachedBlocks !== other.cachedBlocks) return one.cachedBlocks - other.cachedBlocks
  return one.lastTurn - other.lastTurn
}

function watchedIn({ inFlight, filling }: ReplicaState): number {
  return inFlight - filling.calls
}

/** One of those between which nothing decides. */
function drawn(
  prospects: readonly Prospect[],
  { best, bound, ties }: { readonly best: Prospect; readonly bound: number; readonly ties: number },
  call: PlacementCall,
): Prospect {
  let left = Math.min(ties - 1, Math.floor(call.draw * ties))
  for (const prospect of prospects) {
    if (prospect.total > bound || compare(prospect.state, best.state, call) !== 0) continue
    if (left-- === 0) return prospect
  }
  return best
}
