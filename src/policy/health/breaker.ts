import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { BreakerTerms } from '../../vocabulary/resilience.ts'
import { isAhead } from './ahead.ts'
import type { Place, RowSize } from './layout.ts'

/** Pieces of the window of failures. One more than fit is kept, so that no failure is forgotten before its time. */
const PIECES = 10
const BUCKETS = PIECES + 1
/** Errors are rare enough to be lived with below this share of the calls in the window. */
const FEW = 0.05
/** The least time that a probe has for itself; then another call may find out as well. */
const MIN_LEASE_MS: DurationMs = 60_000
/** Calls that may be outstanding when a breaker has just closed. */
const SLOW_START = 2
/** Slow start is over when so many may be outstanding, or after so long. */
const SLOW_END = 64
const SLOW_MS: DurationMs = 30_000
/** The lowest bits of a probe's token are its thread's number plus 1. */
const THREAD_BITS = 7
const THREAD_MASK = (1 << THREAD_BITS) - 1

/** Integers of a row; then failures and calls of each bucket. */
const I = { state: 0, era: 1, probe: 2, consecutive: 3, allowed: 4, failures: 5, calls: 6, buckets: 7 } as const
const F = { openUntil: 0, leaseUntil: 1, slowUntil: 2, bucket: 3 } as const

export const BREAKER_ROW: RowSize = { ints: I.buckets + 2 * BUCKETS, floats: 4 }

/** Bits of the state; with none of them it is closed and nothing is to be minded. */
const OPEN = 1
/** Closed a while ago: few calls at a time. */
const SLOW = 2
/** Closed by a probe's first content, and no call has ended well since. */
const TRIAL = 4

/** How a breaker stands; `slow` counts as closed where nobody else may be asked. */
export type BreakerStanding = 'closed' | 'slow' | 'probing' | 'open'

/** What an attempt remembers of the breaker that let it pass. */
export interface Pass {
  /** How often the breaker had opened or closed. What an attempt of an earlier time meets says nothing of now. */
  era: number
  /** Of a probe; 0 of any other attempt. */
  readonly token: number
}

/**
 * The breaker of one replica, in memory that threads share. All but `isClear` and `pass` are called under the lock of
 * the deployment.
 *
 * It opens when `failures` attempts failed within `withinMs`, if these were the last ones without a success between them
 * (so that a busy deployment that dies is left alone after exactly that many) or at least one in twenty of all calls in
 * that time (so that one with rare errors is not). The window slides in tenths: failures up to a tenth further apart are
 * counted too. Attempts count for the time between two changes of the breaker in which they began: of a hundred streams
 * that die at once the first few open it and the others change nothing.
 */
export class Breaker {
  readonly #ints: Int32Array
  readonly #floats: Float64Array
  readonly #int: number
  readonly #float: number
  readonly #terms: BreakerTerms
  readonly #pieceMs: DurationMs
  readonly #leaseMs: DurationMs

  constructor(ints: Int32Array, floats: Float64Array, place: Place, terms: BreakerTerms) {
    this.#ints = ints
    this.#floats = floats
    this.#int = place.int
    this.#float = place.float
    this.#terms = terms
    this.#pieceMs = Math.max(1, terms.withinMs / PIECES)
    // Never more often than it would be asked if every probe failed.
    this.#leaseMs = Math.max(MIN_LEASE_MS, terms.openMs)
  }

  /** Whether it lets everybody pass: the usual case, seen without a lock. */
  isClear(): boolean {
    return Atomics.load(this.#ints, this.#int + I.state) === 0
  }

  /** When an open one may be probed, or slow start is over. */
  get openUntil(): EpochMs {
    return this.#floats[this.#float + F.openUntil]!
  }

  get slowUntil(): EpochMs {
    return this.#floats[this.#float + F.slowUntil]!
  }

  /** @param outstanding calls of the replica, over all threads */
  standing(now: EpochMs, outstanding: number): BreakerStanding {
    const state = this.#state
    if ((state & OPEN) !== 0) {
      if (this.#isOpen(now)) return 'open'
      return this.#isProbeFree(now) ? 'closed' : 'probing'
    }
    if ((state & SLOW) === 0) return 'closed'
    if (!isAhead(this.slowUntil, now, SLOW_MS)) {
      this.#state = 0
      return 'closed'
    }
    return outstanding < this.#get(I.allowed) ? 'closed' : 'slow'
  }

  /** Lets an attempt pass a closed one. */
  pass(): Pass {
    return { era: Atomics.load(this.#ints, this.#int + I.era), token: 0 }
  }

  /**
   * Lets an attempt pass: any while it is closed; a single one, its probe, once it has been open for its time.
   *
   * @returns null when another probes it, or it is open still
   */
  enter(now: EpochMs, thread: number): Pass | null {
    if ((this.#state & OPEN) === 0) return this.pass()
    if (this.#isOpen(now)) return null
    const seen = Atomics.load(this.#ints, this.#int + I.probe)
    if (!this.#isProbeFree(now)) return null
    // Each token differs from the one before it, so that a probe that lost its lease is told from its successor.
    const token = ((((seen >>> THREAD_BITS) + 1) << THREAD_BITS) | (thread + 1)) & 0x7fffffff
    // Exact even if two threads should be in here at once.
    if (Atomics.compareExchange(this.#ints, this.#int + I.probe, seen, token) !== seen) return null
    this.#floats[this.#float + F.leaseUntil] = now + this.#leaseMs
    return { era: this.#get(I.era), token }
  }

  /** Content came: a probe closes the breaker, others widen a slow start. */
  answered(pass: Pass, now: EpochMs): void {
    if (pass.era !== this.#get(I.era)) return
    const state = this.#state
    if ((state & OPEN) !== 0) {
      if (pass.token !== 0) this.#close(pass, now)
      return
    }
    if ((state & SLOW) === 0) return
    const allowed = this.#get(I.allowed) + 1
    this.#set(I.allowed, allowed)
    if (allowed >= SLOW_END) this.#state = 0
  }

  /** It ended and nothing was wrong with the replica; `answered` was told before. */
  well(pass: Pass, now: EpochMs): void {
    const state = this.#state
    if (pass.era !== this.#get(I.era) || (state & OPEN) !== 0) return
    if ((state & TRIAL) !== 0) this.#state = state & ~TRIAL
    this.#set(I.consecutive, 0)
    this.#count(now, 0)
  }

  failed(pass: Pass, now: EpochMs): void {
    if (pass.era !== this.#get(I.era)) return
    const state = this.#state
    if ((state & OPEN) !== 0) {
      if (pass.token !== 0 && pass.token === this.#get(I.probe)) this.#open(now)
      return
    }
    this.#set(I.consecutive, this.#get(I.consecutive) + 1)
    this.#count(now, 1)
    if ((state & TRIAL) !== 0 || this.#isTooMuch()) this.#open(now)
  }

  /** A probe that found nothing out: the next call may. */
  giveBack({ token }: Pass): void {
    if (token !== 0) freeToken(this.#ints, this.#int, token)
  }

  #isOpen(now: EpochMs): boolean {
    return isAhead(this.openUntil, now, this.#terms.openMs)
  }

  #isProbeFree(now: EpochMs): boolean {
    if ((this.#get(I.probe) & THREAD_MASK) === 0) return true
    return !isAhead(this.#floats[this.#float + F.leaseUntil]!, now, this.#leaseMs)
  }

  #isTooMuch(): boolean {
    const failures = this.#get(I.failures)
    if (failures < this.#terms.failures) return false
    return this.#get(I.consecutive) >= this.#terms.failures || failures >= FEW * this.#get(I.calls)
  }

  #open(now: EpochMs): void {
    this.#floats[this.#float + F.openUntil] = now + this.#terms.openMs
    this.#turn(OPEN)
  }

  /** The probe goes on in the new era: should it still break, the breaker opens again at once. */
  #close(pass: Pass, now: EpochMs): void {
    this.#floats[this.#float + F.slowUntil] = now + SLOW_MS
    this.#set(I.allowed, SLOW_START)
    this.#turn(SLOW | TRIAL)
    pass.era = this.#get(I.era)
  }

  /** Begins a new era, in which nothing has happened yet. */
  #turn(state: number): void {
    this.#set(I.consecutive, 0)
    this.#ints.fill(0, this.#int + I.failures, this.#int + BREAKER_ROW.ints)
    freeToken(this.#ints, this.#int, this.#get(I.probe))
    Atomics.add(this.#ints, this.#int + I.era, 1)
    this.#state = state
  }

  #count(now: EpochMs, failures: 0 | 1): void {
    const bucket = this.#int + I.buckets + 2 * this.#slide(now)
    this.#ints[bucket]! += failures
    this.#ints[bucket + 1]! += 1
    this.#set(I.failures, this.#get(I.failures) + failures)
    this.#set(I.calls, this.#get(I.calls) + 1)
  }

  /** Forgets buckets that the window has left. A clock that goes back a little counts into the newest one. */
  #slide(now: EpochMs): number {
    const last = this.#floats[this.#float + F.bucket]!
    const reached = Math.floor(now / this.#pieceMs)
    const current = reached > last || last - reached >= BUCKETS ? reached : last
    for (let left = Math.min(BUCKETS, Math.abs(current - last)); left > 0; left--) {
      const bucket = this.#int + I.buckets + 2 * ((current - left + 1) % BUCKETS)
      this.#set(I.failures, this.#get(I.failures) - this.#ints[bucket]!)
      this.#set(I.calls, this.#get(I.calls) - this.#ints[bucket + 1]!)
      this.#ints[bucket] = 0
      this.#ints[bucket + 1] = 0
    }
    this.#floats[this.#float + F.bucket] = current
    return current % BUCKETS
  }

  get #state(): number {
    return this.#get(I.state)
  }

  set #state(state: number) {
    Atomics.store(this.#ints, this.#int + I.state, state)
  }

  #get(field: number): number {
    return this.#ints[this.#int + field]!
  }

  #set(field: number, value: number): void {
    this.#ints[this.#int + field] = value
  }
}

/** Frees the probe of a thread that is no more. */
export function freeProbe(ints: Int32Array, { int }: Place, thread: number): void {
  const token = Atomics.load(ints, int + I.probe)
  if ((token & THREAD_MASK) === thread + 1) freeToken(ints, int, token)
}

/** Keeps the number of the token, so that the next one differs. */
function freeToken(ints: Int32Array, int: number, token: number): void {
  Atomics.compareExchange(ints, int + I.probe, token, token & ~THREAD_MASK)
}
