import { DEFAULT_QUEUE, type QueueBounds, type SchedulingTerms } from '../../vocabulary/scheduling.ts'
import { DEFAULT_TIERS, type Tier } from '../../vocabulary/tier.ts'
import type { QueueEntry } from './entry.ts'

export const POOL = 'pool'

export interface TestEntry extends QueueEntry {
  readonly id: number
}

let entries = 0

/** A call of a tenant, in the tier `standard`, that could wait for a minute. */
export function entryOf(tenant: string, more: Partial<QueueEntry> = {}): TestEntry {
  const arrivedAt = more.arrivedAt ?? 0
  return {
    id: entries++,
    tier: 'standard',
    tenant,
    deadlineAt: null,
    arrivedAt,
    endsAt: more.deadlineAt ?? arrivedAt + 60_000,
    bytes: 100,
    work: 100,
    pools: [POOL],
    ...more,
  }
}

export function termsOf(
  shares: Readonly<Record<string, number>> = {},
  queue: Partial<QueueBounds> = {},
  tiers: readonly Tier[] = DEFAULT_TIERS,
): SchedulingTerms {
  return { tiers, shares, queue: { ...DEFAULT_QUEUE, ...queue } }
}

/** Numbers from 0 to below 1 that look drawn by chance and are the same for the same seed. */
export function chanceOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
}
