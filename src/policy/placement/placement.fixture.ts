import { NO_BLOCKS } from '../../vocabulary/scheduling.ts'
import type { PlacementCall } from './call.ts'
import { newFleet, newReplica, type PlacementFleet } from './fleet.ts'

/** A fleet of equal replicas of which nothing is known but what is said of their pool. */
export function fleetOf(replicas: number, pool: Partial<PlacementFleet['pool']> = {}): PlacementFleet {
  const fleet = newFleet({ maxRunning: 8, costs: null, kvTokens: null, dollarsPerHour: 2.95, watts: null, ...pool })
  for (let i = 0; i < replicas; i++) fleet.replicas.push(newReplica(i, 1_000, 0))
  return fleet
}

/** A short call that shares nothing with any other. */
export function callOf(call: Partial<PlacementCall> = {}): PlacementCall {
  return {
    inputTokens: 200,
    outputTokens: 10,
    prompt: NO_BLOCKS,
    matches: new Uint16Array(1_024),
    tier: { timeToFirstTokenMs: 10_000, missedTargetDollars: 10_000_000n },
    waitedMs: 0,
    patienceMs: 60_000,
    tried: [],
    draw: 0,
    ...call,
  }
}

/** A call of blocks of 16 tokens, some of which are cached at some replicas. */
export function cachedCall(
  blocks: number,
  cached: Readonly<Record<number, number>>,
  call: Partial<PlacementCall> = {},
) {
  const matches = new Uint16Array(1_024)
  for (const [replica, known] of Object.entries(cached)) matches[Number(replica)] = known
  const hashes = Float64Array.from({ length: blocks }, (_, i) => i + 1)
  return callOf({ inputTokens: blocks * 16, prompt: { hashes, blockTokens: 16 }, matches, ...call })
}
