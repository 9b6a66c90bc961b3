import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Quantity } from '../../vocabulary/limit.ts'

/*
 * How several threads or replicas decide over one member of a limit without asking each other for every call.
 *
 * The owner alone knows how much is used. It grants slices of what is left; a lessee holds and posts within its slice
 * as if it were the limit, and tells now and then what it used. A slice counts as taken from the moment it is granted,
 * so that all slices together never pass the amount, whoever dies when.
 *
 * Slices shrink with the room: each is an equal share of half of what is left, so that there is always something for
 * the next who asks. When a call does not fit into its lessee's slice, the lessee asks for what is missing; when even
 * that is not left, the owner calls all unspent parts in and decides when they have come. So a call is refused only
 * where a single owner would have refused it too.
 *
 * A window that ends takes its slices with it (`until`). Where a window slides, what was used counts from when it is
 * reported: later than it was, so that it counts a little longer, never shorter.
 */

/** How long a slice may be spent; whoever lives renews it by reporting. */
export const LEASE_MS: DurationMs = 5_000
/** A lessee stops spending so long before its lease ends, for clocks that differ and messages under way. */
export const LEASE_MARGIN_MS: DurationMs = 1_000

/** What an owner grants: so much more may be held and used by the lessee. */
export interface Slice {
  readonly lessee: number
  /** Grants of a lessee that was given up carry an older one and are worth nothing. */
  readonly term: number
  readonly amount: Quantity
  readonly endsAt: EpochMs
}

/** What a lessee tells its owner. */
export interface Report {
  readonly lessee: number
  readonly term: number
  /** Posted since the last report. */
  readonly used: Quantity
  /** The part of it that no slice covers: beyond what was held, or held under a lease that was lost. */
  readonly overrun: Quantity
  /** Unspent, and given back. */
  readonly returned: Quantity
  /** Nothing unspent is kept. */
  readonly isAll: boolean
}

export type Grant =
  | { readonly kind: 'granted'; readonly slice: Slice }
  /** There may be room once these lessees have returned what they have not spent. */
  | { readonly kind: 'callIn'; readonly lessees: readonly number[] }
  | { readonly kind: 'refused' }

export interface GrantTerms {
  /** How many share the limit. */
  readonly lessees: number
  readonly now: EpochMs
  /** When the window ends; infinite for none. */
  readonly until: EpochMs
}

interface Lease {
  term: number
  /** Granted, and neither reported as used nor returned. */
  outstanding: Quantity
  endsAt: EpochMs
  /** Keeps nothing unspent, and returns at once what its calls leave over. */
  isCalledIn: boolean
}

/** The owner's side: what is used, and what is out in slices. */
export class Lessor {
  readonly #leases = new Map<number, Lease>()
  #amount: Quantity
  #used: Quantity = 0
  #outstanding: Quantity = 0
  #terms = 0

  constructor(amount: Quantity) {
    this.#amount = amount
  }

  get used(): Quantity {
    return this.#used
  }

  /** Out in slices: held by calls that run, or not yet spent. */
  get outstanding(): Quantity {
    return this.#outstanding
  }

  get left(): Quantity {
    return Math.max(0, this.#amount - this.#used - this.#outstanding)
  }

  setAmount(amount: Quantity): void {
    this.#amount = amount
  }

  /**
   * Gives a lessee more room.
   *
   * @param need what its call lacks; it is given that at least, or nothing
   */
  grant(lessee: number, need: Quantity, { lessees, now, until }: GrantTerms): Grant {
    this.expire(now)
    const { left } = this
    if (need > left) return this.#lacking(lessee, need)
    const amount = Math.max(need, Math.floor(left / (2 * Math.max(1, lessees))))
    const lease = this.#leases.get(lessee) ?? this.#open(lessee)
    lease.outstanding += amount
    lease.endsAt = Math.min(now + LEASE_MS, until)
    lease.isCalledIn = false
    this.#outstanding += amount
    return { kind: 'granted', slice: { lessee, term: lease.term, amount, endsAt: lease.endsAt } }
  }

  #lacking(lessee: number, need: Quantity): Grant {
    const others: number[] = []
    let hidden = 0
    for (const [other, lease] of this.#leases) {
      if (other === lessee || lease.isCalledIn || lease.outstanding === 0) continue
      others.push(other)
      hidden += lease.outstanding
    }
    return need <= this.left + hidden ? { kind: 'callIn', lessees: others } : { kind: 'refused' }
  }

  #open(lessee: number): Lease {
    const lease = { term: ++this.#terms, outstanding: 0, endsAt: 0, isCalledIn: false }
    this.#leases.set(lessee, lease)
    return lease
  }

  /**
   * Takes what a lessee used and returns, and renews its lease.
   *
   * @returns until when it may spend; null when its lease is over: then it has nothing, and what it used counts in full
   */
  report(
    { lessee, term, used, overrun, returned, isAll }: Report,
    { now, until }: Pick<GrantTerms, 'now' | 'until'>,
  ): EpochMs | null {
    this.expire(now)
    this.#used += used
    const lease = this.#leases.get(lessee)
    if (lease === undefined) return null
    if (lease.term !== term) {
      // Another took its place, and knows nothing of what that one had: only its end brings that back.
      if (isAll) lease.isCalledIn = true
      return null
    }
    const settled = used - overrun + returned
    lease.outstanding -= settled
    this.#outstanding -= settled
    lease.endsAt = Math.min(now + LEASE_MS, until)
    lease.isCalledIn = isAll
    return lease.endsAt
  }

  /** Takes back what a lessee still had, when it is known to be dead. */
  giveUp(lessee: number): void {
    const lease = this.#leases.get(lessee)
    if (lease === undefined) return
    this.#outstanding -= lease.outstanding
    this.#leases.delete(lessee)
  }

  /** Takes back the slices of those that were not heard of until their leases ended. */
  expire(now: EpochMs): void {
    for (const [lessee, { endsAt }] of this.#leases) if (now >= endsAt) this.giveUp(lessee)
  }
}

/** What a lessee holds for one call. */
export interface LocalHold {
  readonly amount: Quantity
  /** Of the lease it was held under. */
  readonly term: number
}

/** A lessee's side: decides over its slice alone. */
export class Lessee {
  readonly #number: number
  #term = 0
  #unspent: Quantity = 0
  #usedSince: Quantity = 0
  #overrunSince: Quantity = 0
  #endsAt: EpochMs = 0
  #isCalledIn = false

  constructor(number: number) {
    this.#number = number
  }

  get unspent(): Quantity {
    return this.#unspent
  }

  /** Whether room is scarce, so that it has to report after every post. */
  get isCalledIn(): boolean {
    return this.#isCalledIn
  }

  /** Takes a slice up, in the order in which slices were granted. */
  take({ term, amount, endsAt }: Slice): void {
    if (term !== this.#term) this.#unspent = 0
    this.#term = term
    this.#unspent += amount
    this.#endsAt = endsAt
    this.#isCalledIn = false
  }

  /** What a call lacks here, to be asked for; zero when it fits. */
  lacks(need: Quantity, now: EpochMs): Quantity {
    return this.#mayStillSpend(now) ? Math.max(0, need - this.#unspent) : need
  }

  /** @returns null when it does not fit */
  hold(need: Quantity, now: EpochMs): LocalHold | null {
    if (!this.#mayStillSpend(now) || need > this.#unspent) return null
    this.#unspent -= need
    return { amount: need, term: this.#term }
  }

  #mayStillSpend(now: EpochMs): boolean {
    return now < this.#endsAt - LEASE_MARGIN_MS
  }

  /** @param used may be more than was held: what is unspent covers it as far as it goes */
  post({ amount, term }: LocalHold, used: Quantity): void {
    const covered = term === this.#term ? Math.min(used, amount + this.#unspent) : 0
    if (term === this.#term) this.#unspent += amount - covered
    this.#usedSince += used
    this.#overrunSince += used - covered
  }

  /** Has it return all that is unspent, now and after every post, until it is granted more. */
  callIn(): Report {
    this.#isCalledIn = true
    return this.report()
  }

  /** To be sent well before the lease ends; renews it. */
  report(): Report {
    const returned = this.#isCalledIn ? this.#unspent : 0
    const report = {
      lessee: this.#number,
      term: this.#term,
      used: this.#usedSince,
      overrun: this.#overrunSince,
      returned,
      isAll: this.#isCalledIn,
    }
    this.#unspent -= returned
    this.#usedSince = 0
    this.#overrunSince = 0
    return report
  }

  /** @param endsAt what the owner answered to a report; null when the lease is over and with it all that is unspent */
  renew(endsAt: EpochMs | null): void {
    if (endsAt === null) {
      this.#term = 0
      this.#unspent = 0
    }
    this.#endsAt = endsAt ?? 0
  }
}
