import { Contest, Flow } from './contest.ts'
import type { QueueEntry } from './entry.ts'
import { Heap, type HeapNode } from './heap.ts'

/** A call that waits. */
export interface Ticket<E extends QueueEntry> {
  readonly entry: E
  /** In order of arrival. */
  readonly number: number
  /** Where it stands in the line of each of its pools. */
  readonly places: {
    readonly line: PoolLine<E>
    readonly tier: TierFlow<E>
    readonly tenant: TenantFlow<E>
    node: HeapNode<Ticket<E>>
  }[]
}

/** As far as the order of calls goes. */
type Standing = Pick<Ticket<QueueEntry>, 'entry' | 'number'>

/** Earliest deadline first; those without follow in order of arrival. */
function isDueBefore(a: Standing, b: Standing): boolean {
  const first = a.entry.deadlineAt ?? Number.POSITIVE_INFINITY
  const second = b.entry.deadlineAt ?? Number.POSITIVE_INFINITY
  return first === second ? hasArrivedBefore(a, b) : first < second
}

export function hasArrivedBefore(a: Standing, b: Standing): boolean {
  const difference = a.entry.arrivedAt - b.entry.arrivedAt
  return difference === 0 ? a.number < b.number : difference < 0
}

/** A tenant in one tier of one pool. */
export class TenantFlow<E extends QueueEntry> extends Flow {
  readonly calls = new Heap<Ticket<E>>(isDueBefore)
  /** Of its waiting work, that of calls with a deadline. */
  dueWork = 0
}

/** A tier in one pool. */
export class TierFlow<E extends QueueEntry> extends Flow {
  readonly tenants: Contest<TenantFlow<E>>

  constructor(name: string, weight: number, shareOf: (tenant: string) => number) {
    super(name, weight)
    this.tenants = new Contest(tenant => new TenantFlow<E>(tenant, shareOf(tenant)))
  }
}

/** Who is next in a pool, and whom it is taken before because none of their calls could start. */
export interface Choice<E extends QueueEntry> {
  readonly ticket: Ticket<E>
  readonly skippedTiers: readonly TierFlow<E>[]
  readonly skippedTenants: readonly TenantFlow<E>[]
}

/** Whether a call could start now; `nobody`: neither it nor any that comes after it. */
export type MayStart<E extends QueueEntry> = (entry: E) => boolean | 'nobody'

/** Calls of one tenant that are looked at, and of all tenants of a tier, before the search for one is given up. */
const LOOK_AT_OF_TENANT = 16
const LOOK_AT_OF_TIER = 256

/** What a call has been charged at a pool. */
export interface PoolCharge {
  correct(moreWork: number): void
  end(): void
}

/** The calls that wait for places of one upstream. */
export class PoolLine<E extends QueueEntry> {
  readonly tiers: Contest<TierFlow<E>>
  #choice: Choice<E> | null = null

  constructor(makeTier: (name: string) => TierFlow<E>) {
    this.tiers = new Contest(makeTier)
  }

  /** Tiers and tenants whose counters are kept. */
  get remembered(): number {
    let count = this.tiers.size
    for (const tier of this.tiers.all()) count += tier.tenants.size
    return count
  }

  join(ticket: Ticket<E>): void {
    const { entry } = ticket
    const tier = this.tiers.findOrMake(entry.tier)
    const tenant = tier.tenants.findOrMake(entry.tenant)
    const place = { line: this, tier, tenant, node: tenant.calls.add(ticket) }
    ticket.places.push(place)
    if (tenant.waiting === null) tier.tenants.enter(tenant)
    if (tier.waiting === null) this.tiers.enter(tier)
    this.#count(place, entry, 1)
  }

  quit(place: Ticket<E>['places'][number]): void {
    const { tier, tenant } = place
    const ticket = place.node.value
    if (this.#choice?.ticket === ticket) this.#choice = null
    tenant.calls.remove(place.node)
    this.#count(place, ticket.entry, -1)
    if (tenant.calls.size > 0) return
    tenant.dueWork = 0
    tier.tenants.leave(tenant)
    if (!tier.tenants.isHeld) this.tiers.leave(tier)
  }

  next(mayStart: MayStart<E>): E | null {
    this.#choice = null
    const skippedTiers: TierFlow<E>[] = []
    for (const tier of this.tiers.ascending()) {
      const found = firstOf(tier, mayStart)
      if (found === 'nobody') return null
      if (found !== null) {
        this.#choice = { ...found, skippedTiers }
        return found.ticket.entry
      }
      skippedTiers.push(tier)
    }
    return null
  }

  /**
   * Charges a call that starts, whether it waited or not. While nobody waits, nothing is charged: there is nobody who
   * had less for it.
   */
  charge(call: { readonly tier: string; readonly tenant: string; readonly work: number }): PoolCharge | null {
    if (!this.tiers.isHeld) return null
    const choice = this.#choice?.ticket.entry === call ? this.#choice : null
    const tier = this.tiers.findOrMake(call.tier)
    const tenant = tier.tenants.findOrMake(call.tenant)
    const isTierIn = tier.waiting !== null
    const isTenantIn = tenant.waiting !== null
    if (!isTierIn) this.tiers.enter(tier)
    if (!isTenantIn) tier.tenants.enter(tenant)
    const ofTier = this.tiers.charge(tier, call.work, choice?.skippedTiers ?? [])
    const ofTenant = tier.tenants.charge(tenant, call.work, choice?.skippedTenants ?? [])
    if (!isTenantIn) tier.tenants.leave(tenant)
    if (!isTierIn) this.tiers.leave(tier)
    return {
      correct: moreWork => {
        ofTier.contest.correct(ofTier, moreWork)
        ofTenant.contest.correct(ofTenant, moreWork)
      },
      end: () => {
        ofTier.contest.end(ofTier)
        ofTenant.contest.end(ofTenant)
      },
    }
  }

  #count(place: Ticket<E>['places'][number], entry: E, sign: 1 | -1): void {
    // A call that may start at several pools will take of each an equal part, as far as anybody knows.
    const work = (sign * entry.work) / entry.pools.length
    place.tier.waitingWork += work
    place.tenant.waitingWork += work
    if (entry.deadlineAt !== null) place.tenant.dueWork += work
  }
}

function firstOf<E extends QueueEntry>(
  tier: TierFlow<E>,
  mayStart: MayStart<E>,
): Omit<Choice<E>, 'skippedTiers'> | 'nobody' | null {
  const skippedTenants: TenantFlow<E>[] = []
  let left = LOOK_AT_OF_TIER
  for (const tenant of tier.tenants.ascending()) {
    let leftOfTenant = LOOK_AT_OF_TENANT
    for (const ticket of tenant.calls.ascending()) {
      const may = mayStart(ticket.entry)
      if (may === 'nobody') return may
      if (may) return { ticket, skippedTenants }
      if (--left === 0) return null
      if (--leftOfTenant === 0) break
    }
    skippedTenants.push(tenant)
  }
  return null
}
