import { DEFAULT_QUEUE, type QueueBounds, type SchedulingTerms } from '../../vocabulary/scheduling.ts'
import { DEFAULT_TIERS, type Tier } from '../../vocabulary/tier.ts'
import type { QueueEntry } from './entry.ts'
import { FairQueue } from './fair-queue.ts'

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

export const always = () => true

export function queueOf(...terms: Parameters<typeof termsOf>): FairQueue<TestEntry> {
  return new FairQueue<TestEntry>(termsOf(...terms))
}

export function many(count: number, make: (i: number) => TestEntry): readonly TestEntry[] {
  return Array.from({ length: count }, (_, i) => make(i))
}

export function fill(queue: FairQueue<TestEntry>, entries: readonly TestEntry[]): void {
  for (const entry of entries) if (queue.add(entry) === 'full') throw new Error('the queue of this test has no room')
}

/** Lets calls start one after another, each ending before the next with what was expected of it. */
export function serve(queue: FairQueue<TestEntry>, count: number, pool = POOL): readonly TestEntry[] {
  const served: TestEntry[] = []
  for (let i = 0; i < count; i++) {
    const entry = queue.next(pool, always)
    if (entry === null) break
    const running = queue.start(pool, entry)
    queue.end(running, entry.work)
    served.push(entry)
  }
  return served
}

export function workOf(served: readonly TestEntry[], tenant: string): number {
  return served.filter(entry => entry.tenant === tenant).reduce((sum, entry) => sum + entry.work, 0)
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
