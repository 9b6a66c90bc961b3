import type { EpochMs } from '../../units/time.ts'
import type { SchedulingTerms } from '../../vocabulary/scheduling.ts'
import { workAhead } from './ahead.ts'
import type { Charged, QueueEntry } from './entry.ts'
import { Heap, type HeapNode } from './heap.ts'
import { hasArrivedBefore, type MayStart, type PoolCharge, PoolLine, type Ticket, TierFlow } from './line.ts'

/** A call that has started and not ended, as the queue charged it. */
export interface Running {
  /** What it is charged so far. */
  work: number
  /** Null when it was charged to nobody, or has ended. */
  charge: PoolCharge | null
}

interface Waiting<E extends QueueEntry> {
  readonly ticket: Ticket<E>
  readonly byEnd: HeapNode<E>
  readonly byArrival: HeapNode<Ticket<E>>
}

/**
 * Calls that wait for a place on owned engines. At each pool, service is shared among tiers by weight and inside a tier
 * among tenants by share, in expected work, corrected by what calls really took; among calls of one tenant the earliest
 * deadline is first.
 *
 * Between two tenants of a tier that both have calls waiting at a pool, the work that they are given by their shares
 * never differs by more than twice the most work that runs there at once, over any interval: the bound of the Virtual
 * Token Counter. The same holds between tiers.
 *
 * Source: start-time fair queueing (Goyal, Vin and Chen, 1996) in two levels; Virtual Token Counter (Sheng et al.,
 * OSDI 2024).
 */
export class FairQueue<E extends QueueEntry> {
  readonly #terms: SchedulingTerms
  readonly #weights: ReadonlyMap<string, number>
  readonly #shares: ReadonlyMap<string, number>
  readonly #pools = new Map<string, PoolLine<E>>()
  readonly #waiting = new Map<E, Waiting<E>>()
  readonly #byEnd = new Heap<E>((a, b) => a.endsAt < b.endsAt)
  readonly #tiers: ReadonlyMap<string, Heap<Ticket<E>>>
  #bytes = 0
  #arrivals = 0

  constructor(terms: SchedulingTerms) {
    this.#terms = terms
    this.#weights = new Map(terms.tiers.map(tier => [tier.name, tier.weight]))
    this.#shares = new Map(Object.entries(terms.shares))
    this.#tiers = new Map(terms.tiers.map(tier => [tier.name, new Heap<Ticket<E>>(hasArrivedBefore)]))
  }

  /** Calls that wait. */
  get size(): number {
    return this.#waiting.size
  }

  /** Of their bodies. */
  get bytes(): number {
    return this.#bytes
  }

  /** Calls of a tier that wait. */
  waiting(tier: string): number {
    return this.#tiers.get(tier)?.size ?? 0
  }

  /** Whether anybody waits for a place of a pool. */
  isHeld(pool: string): boolean {
    return this.#pools.get(pool)?.tiers.isHeld ?? false
  }

  /** Every call that waits for a place of a pool, in order of arrival. */
  all(pool: string): readonly E[] {
    return [...this.#waiting.keys()].filter(({ pools }) => pools.includes(pool))
  }

  /** The call of a tier that arrived first of those that wait. */
  oldest(tier: string): E | null {
    return this.#tiers.get(tier)?.first()?.entry ?? null
  }

  /**
   * @returns `full` when there would be more calls, or bytes, than the terms allow; then it does not wait
   * @throws RangeError for a tier that is not in the terms, for no pools and for an entry that waits already
   */
  add(entry: E): 'waiting' | 'full' {
    const tier = this.#tiers.get(entry.tier)
    if (tier === undefined) throw new RangeError(`no tier is called ${JSON.stringify(entry.tier)}`)
    if (entry.pools.length === 0) throw new RangeError('a call that waits needs at least one pool')
    if (this.#waiting.has(entry)) throw new RangeError('the call waits already')
    const { maxCalls, maxBytes } = this.#terms.queue
    if (this.size >= maxCalls || this.#bytes + entry.bytes > maxBytes) return 'full'
    const ticket: Ticket<E> = { entry, number: this.#arrivals++, places: [] }
    this.#waiting.set(entry, { ticket, byEnd: this.#byEnd.add(entry), byArrival: tier.add(ticket) })
    this.#bytes += entry.bytes
    for (const pool of entry.pools) this.#lineOf(pool).join(ticket)
    return 'waiting'
  }

  /**
   * Takes a call out that will not start here: its caller left, or its time is over.
   *
   * @returns false when it does not wait
   */
  remove(entry: E): boolean {
    const found = this.#waiting.get(entry)
    if (found === undefined) return false
    this.#waiting.delete(entry)
    this.#bytes -= entry.bytes
    this.#byEnd.remove(found.byEnd)
    this.#tiers.get(entry.tier)!.remove(found.byArrival)
    for (const place of found.ticket.places) place.line.quit(place)
    return true
  }

  /**
   * Who is next at a pool. Neither removes nor charges it: `start` does.
   *
   * Of a tenant's calls at most 16 are looked at, and of a tier's 256; those that may not start keep their places, but
   * a tenant or tier that was passed over because none of its calls could start saves nothing up by it.
   *
   * @param mayStart whether a call could start there now; `nobody` ends the search, so that no other is taken before it
   */
  next(pool: string, mayStart: MayStart<E>): E | null {
    return this.#pools.get(pool)?.next(mayStart) ?? null
  }

  /**
   * A call starts at a pool: it waits no more, at none of its pools, and what it is expected to take is charged to its
   * tenant and tier there. Also to be called for calls that have not waited.
   */
  start(pool: string, call: E | Charged): Running {
    const charge = this.#pools.get(pool)?.charge(call) ?? null
    this.remove(call as E)
    return { work: call.work, charge }
  }

  /**
   * It takes more or less than it has been charged so far; any number of times.
   *
   * @param work that it takes in all, from 0, as far as is known
   */
  correct(running: Running, work: number): void {
    running.charge?.correct(work - running.work)
    running.work = work
  }

  /** It has ended, and took so much in all. Once is enough; a second time nothing happens. */
  end(running: Running, work: number): void {
    if (running.charge === null) return
    this.correct(running, work)
    running.charge.end()
    running.charge = null
  }

  /** Calls whose wait is over, the earliest first. They still wait until they are removed. */
  expired(now: EpochMs): readonly E[] {
    return [...this.#byEnd.whileTrue(entry => entry.endsAt <= now)].sort((a, b) => a.endsAt - b.endsAt)
  }

  /** When the next wait is over; null when nobody waits. */
  nextExpiry(): EpochMs | null {
    return this.#byEnd.first()?.endsAt ?? null
  }

  /**
   * Work that would start at a pool before a call that joined now: an estimate. Service is taken for a fluid that flows
   * to all who wait by their weights until the call's turn comes: the calls of its own tenant that go before it, what
   * the tenants of its tier get meanwhile by their shares, and then the other tiers by their weights, none more than it
   * has waiting. What runs already is not in it, nor who is yet to come. A call that waits for several pools counts at
   * each in equal parts.
   *
   * @returns in units of `work`
   */
  ahead(pool: string, call: Pick<QueueEntry, 'tier' | 'tenant' | 'deadlineAt'>): number {
    const line = this.#pools.get(pool)
    if (line === undefined || !line.tiers.isHeld) return 0
    return workAhead(line, call, { tier: this.#weightOf(call.tier), share: this.#shareOf(call.tenant) })
  }

  /** Tiers and tenants whose counters are kept, over all pools. */
  get remembered(): number {
    let count = 0
    for (const line of this.#pools.values()) count += line.remembered
    return count
  }

  #weightOf(tier: string): number {
    const weight = this.#weights.get(tier)
    if (weight === undefined) throw new RangeError(`no tier is called ${JSON.stringify(tier)}`)
    return weight
  }

  #shareOf(tenant: string): number {
    return this.#shares.get(tenant) ?? 1
  }

  #lineOf(pool: string): PoolLine<E> {
    let line = this.#pools.get(pool)
    if (line === undefined) {
      line = new PoolLine<E>(tier => new TierFlow<E>(tier, this.#weightOf(tier), tenant => this.#shareOf(tenant)))
      this.#pools.set(pool, line)
    }
    return line
  }
}
