import type { DurationMs, EpochMs } from '../../units/time.ts'
import { isAhead } from './ahead.ts'
import type { Breaker, Pass } from './breaker.ts'
import type { Place, RowSize } from './layout.ts'
import type { Outstanding } from './outstanding.ts'

/** What may be expected of a deployment or of one of its replicas. */
export interface Standing {
  /**
   * `ready`: it may be asked. `recovering`: it failed a while ago and has as many calls as it should have so soon; it may
   * be asked where nobody else can. `probing`: another call is finding out whether it is well. `open`: it failed and
   * is left alone. `quiet`: it asked to be left alone.
   */
  readonly kind: 'ready' | 'recovering' | 'probing' | 'open' | 'quiet'
  /** Until when at most; null where nobody knows or it does not matter. */
  readonly until: EpochMs | null
}

/** An upstream that wants to be left alone for longer is not believed. */
const MOST_QUIET_MS: DurationMs = 3_600_000

const I = { quiet: 0 } as const
const F = { quietUntil: 0 } as const

export const REPLICA_ROW: RowSize = { ints: 1, floats: 1 }

export const READY: Standing = { kind: 'ready', until: null }
const PROBING: Standing = { kind: 'probing', until: null }

export interface ReplicaParts {
  readonly ints: Int32Array
  readonly floats: Float64Array
  readonly place: Place
  readonly breaker: Breaker
  readonly outstanding: Outstanding
}

/** One replica as the models with equal breakers see it. All but `isClear` is called under the lock of the deployment. */
export class Replica {
  readonly breaker: Breaker
  readonly outstanding: Outstanding
  readonly #ints: Int32Array
  readonly #floats: Float64Array
  readonly #place: Place

  constructor({ ints, floats, place, breaker, outstanding }: ReplicaParts) {
    this.#ints = ints
    this.#floats = floats
    this.#place = place
    this.breaker = breaker
    this.outstanding = outstanding
  }

  /** Whether nothing is to be minded: the usual case, seen without a lock. */
  isClear(): boolean {
    return this.breaker.isClear() && Atomics.load(this.#ints, this.#place.int + I.quiet) === 0
  }

  standing(now: EpochMs): Standing {
    const quietUntil = this.#quietUntil(now)
    const breaker = this.breaker.standing(now, this.outstanding.total())
    if (breaker === 'open') return { kind: 'open', until: Math.max(this.breaker.openUntil, quietUntil) }
    if (quietUntil > 0) return { kind: 'quiet', until: quietUntil }
    if (breaker === 'probing') return PROBING
    if (breaker === 'slow') return { kind: 'recovering', until: this.breaker.slowUntil }
    return READY
  }

  /** Lets an attempt in; null when it may not be asked any more. */
  enter(now: EpochMs, thread: number): Pass | null {
    return this.#quietUntil(now) > 0 ? null : this.breaker.enter(now, thread)
  }

  /** Leaves it alone until then, or for longer where it said so before. */
  keepQuiet(until: EpochMs, now: EpochMs): void {
    const bounded = Math.min(until, now + MOST_QUIET_MS)
    if (bounded <= Math.max(now, this.#quietUntil(now))) return
    this.#floats[this.#place.float + F.quietUntil] = bounded
    Atomics.store(this.#ints, this.#place.int + I.quiet, 1)
  }

  /** 0 when it is not quiet. */
  #quietUntil(now: EpochMs): EpochMs {
    if (Atomics.load(this.#ints, this.#place.int + I.quiet) === 0) return 0
    const until = this.#floats[this.#place.float + F.quietUntil]!
    if (isAhead(until, now, MOST_QUIET_MS)) return until
    Atomics.store(this.#ints, this.#place.int + I.quiet, 0)
    return 0
  }
}
