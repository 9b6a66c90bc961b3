import { DOLLARS, needOf, UNPRICED } from '../policy/limits/call.ts'
import { Slice } from '../policy/limits/slice.ts'
import type { EpochMs } from '../units/time.ts'
import type { Caller } from '../vocabulary/caller.ts'
import { LIMIT_UNITS, type LimitView, type Quantity } from '../vocabulary/limit.ts'
import type { LimitedCall, Need } from '../vocabulary/limited-call.ts'
import type { ToldLease } from './messages.ts'

/** A call that a thread admitted by itself. */
export interface Taken {
  /** Number of the lease that it came out of; null where nothing binds the call. */
  readonly lease: number | null
  readonly amounts: readonly Quantity[]
  readonly rate: LimitView | null
}

interface Lease {
  readonly n: number
  /** Null where nothing binds such calls. */
  readonly slice: Slice | null
  /** What it was when it was granted. */
  readonly amounts: readonly Quantity[] | null
  readonly rate: LimitView | null
  /** Whether it was granted for calls whose price nobody knows, which no limit of dollars binds then. */
  readonly isUnpriced: boolean
  readonly caller: Caller
  /** What it is for besides the caller. */
  /** The array of upstreams by which its calls are known. */
  readonly service: readonly string[]
}

/** More than this many callers and models at work in one thread: the oldest lease is returned. */
const MAX_LEASES = 20_000

const NOTHING: readonly Quantity[] = []

/** What a thread may decide by itself, by caller and by what serves it: one array of upstreams for each model and dialect. */
export class Leases {
  readonly #byCaller = new WeakMap<Caller, Map<readonly string[], Lease>>()
  /** Of whom a lease is on its way: what else is asked meanwhile needs none of its own. */
  readonly #wanted = new WeakMap<Caller, Set<readonly string[]>>()
  readonly #byNumber = new Map<number, Lease>()
  readonly #over: (lease: number) => void

  /** @param over is told of leases that are spent or over, so that what is left of them goes back */
  constructor(over: (lease: number) => void) {
    this.#over = over
  }

  keep(call: LimitedCall, { worst }: Need, { n, amounts, until, rate }: ToldLease): void {
    const { caller, upstreams: service } = call
    const isUnpriced = worst.dollars === null
    let byService = this.#byCaller.get(caller)
    if (byService === undefined) {
      byService = new Map()
      this.#byCaller.set(caller, byService)
    }
    const before = byService.get(service)
    if (before !== undefined) this.#end(before)
    const lease = {
      n,
      slice: amounts === null ? null : new Slice(amounts, until),
      amounts,
      rate,
      isUnpriced,
      caller,
      service,
    }
    if (this.#byNumber.size >= MAX_LEASES) this.#end(this.#byNumber.values().next().value!)
    byService.set(service, lease)
    this.#byNumber.set(n, lease)
  }

  /** @returns null when the owner has to be asked */
  take(call: LimitedCall, need: Need, now: EpochMs): Taken | null {
    const lease = this.#byCaller.get(call.caller)?.get(call.upstreams)
    if (lease === undefined || !isOrdinary(call, need)) return null
    if (lease.slice === null) return { lease: null, amounts: NOTHING, rate: null }
    const amounts = needOf(need.worst)
    if ((amounts[DOLLARS] === UNPRICED) !== lease.isUnpriced) return null
    if (lease.isUnpriced) amounts[DOLLARS] = 0
    return lease.slice.take(amounts, now) ? { lease: lease.n, amounts, rate: rateOf(lease) } : null
  }

  /** Whether a lease would be of use for calls like this one, and none is on its way. To be followed by `answered`. */
  wants(call: LimitedCall, need: Need): boolean {
    if (!isOrdinary(call, need)) return false
    const wanted = this.#wanted.get(call.caller)
    if (wanted === undefined) this.#wanted.set(call.caller, new Set([call.upstreams]))
    else if (wanted.has(call.upstreams)) return false
    else wanted.add(call.upstreams)
    return true
  }

  /** The owner has answered what was asked with the wish for a lease. */
  answered({ caller, upstreams }: LimitedCall): void {
    this.#wanted.get(caller)?.delete(upstreams)
  }

  /** Ends leases that their owner wants back. */
  callIn(numbers: readonly number[]): void {
    for (const n of numbers) {
      const lease = this.#byNumber.get(n)
      if (lease === undefined) this.#over(n)
      else this.#end(lease)
    }
  }

  /** Ends leases whose time is over. */
  sweep(now: EpochMs): void {
    for (const lease of this.#byNumber.values()) if (lease.slice?.isOver(now)) this.#end(lease)
  }

  #end(lease: Lease): void {
    this.#byNumber.delete(lease.n)
    const byService = this.#byCaller.get(lease.caller)
    if (byService?.get(lease.service) === lease) byService.delete(lease.service)
    this.#over(lease.n)
  }
}

/** Whether all that binds a call is its caller and its model: runs, caps and detours are the owner's to decide. */
function isOrdinary({ caller, runBudget, maxDollars, skip }: LimitedCall, { worst }: Need): boolean {
  if (caller.run !== null || runBudget !== null || skip.length > 0) return false
  return maxDollars === null || (worst.dollars !== null && worst.dollars <= maxDollars)
}

/** The rate as it was when the lease was granted, less what was taken out of the lease since. */
function rateOf({ rate, slice, amounts }: Lease): LimitView | null {
  if (rate === null || slice === null || amounts === null) return null
  const unit = LIMIT_UNITS.indexOf(rate.unit)
  const taken = amounts[unit]! - slice.left(unit)
  return { ...rate, held: rate.held + taken, left: Math.max(0, rate.left - taken) }
}
