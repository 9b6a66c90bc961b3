import type { MonotonicMs } from '../../units/time.ts'
import { cachedTokensAt, type PlacementCall } from './call.ts'
import type { PlacementFleet, ReplicaState } from './fleet.ts'
import { openReplicas, type Placement, place } from './place.ts'

/** Ways to choose a replica that can be compared in rehearsals. */
export type PlacementPolicy = 'roundRobin' | 'leastLoaded' | 'prefixAware' | 'penstock'
export const PLACEMENT_POLICIES = ['roundRobin', 'leastLoaded', 'prefixAware', 'penstock'] as const

/** As `place`. */
export type Placing = (call: PlacementCall, fleet: PlacementFleet, now: MonotonicMs) => Placement | null

/** Defaults of the SGLang router's command line: least matched part, and when loads count as out of balance. */
const LEAST_MATCH = 0.3
const IMBALANCE_CALLS = 64
const IMBALANCE_FACTOR = 1.5

export function placementOf(policy: PlacementPolicy): Placing {
  switch (policy) {
    case 'roundRobin':
      return (call, fleet, now) => placementAt(call, first(openReplicas(call, fleet, now), call, byTurn))
    case 'leastLoaded':
      return (call, fleet, now) => placementAt(call, first(openReplicas(call, fleet, now), call, byLoad))
    case 'prefixAware':
      return prefixAware
    case 'penstock':
      return place
  }
}

const byTurn = (one: ReplicaState, other: ReplicaState) => one.lastTurn - other.lastTurn
const byLoad = (one: ReplicaState, other: ReplicaState) => one.inFlight - other.inFlight

/** The longest match where it is long enough and loads are in balance, else the least load, as the SGLang router does. */
function prefixAware(call: PlacementCall, fleet: PlacementFleet, now: MonotonicMs): Placement | null {
  const open = openReplicas(call, fleet, now)
  const loads = fleet.replicas.map(state => state.inFlight)
  const [most, least] = [Math.max(0, ...loads), Math.min(...loads)]
  const isBalanced = most - least <= IMBALANCE_CALLS || most <= IMBALANCE_FACTOR * least
  const byMatch = (one: ReplicaState, other: ReplicaState) => call.matches[other.replica]! - call.matches[one.replica]!
  const matching = isBalanced ? first(open, call, byMatch) : null
  const isLong = matching !== null && call.matches[matching.replica]! > LEAST_MATCH * call.prompt.hashes.length
  return placementAt(call, isLong ? matching : first(open, call, byLoad))
}

/** The first in an order; of several that are, each with the same chance. */
function first(
  open: readonly ReplicaState[],
  call: PlacementCall,
  order: (one: ReplicaState, other: ReplicaState) => number,
): ReplicaState | null {
  let firsts: ReplicaState[] = []
  for (const state of open) {
    const place = firsts.length === 0 ? -1 : order(state, firsts[0]!)
    if (place < 0) firsts = [state]
    else if (place === 0) firsts.push(state)
  }
  return firsts[Math.min(firsts.length - 1, Math.floor(call.draw * firsts.length))] ?? null
}

function placementAt(call: PlacementCall, state: ReplicaState | null): Placement | null {
  if (state === null) return null
  const { replica } = state
  return { state, replica, expectedCachedTokens: cachedTokensAt(call, replica), timeToFirstTokenMs: null, cost: null }
}
