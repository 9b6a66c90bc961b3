import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Estimates } from './estimates.ts'
import type { Lock } from './lock.ts'
import { READY, type Replica, type Standing } from './replica.ts'
import { type Taken, TakenReplica } from './taken.ts'

/** The order in which replicas are preferred: those that may not be asked come last. */
const RANKS: Readonly<Record<Standing['kind'], number>> = { ready: 0, recovering: 1, probing: 2, open: 3, quiet: 3 }
const NOT_ASKED = RANKS.probing
/** Added for a replica that this call has tried. */
const TRIED = 2

const NO_REPLICAS: readonly number[] = []

export interface DeploymentParts {
  readonly replicas: readonly Replica[]
  readonly estimates: Estimates
  readonly lock: Lock
  readonly thread: number
}

/** The health of a deployment as one model sees it: its breaker's terms are the model's, the rest is everybody's. */
export class DeploymentHealth {
  readonly #replicas: readonly Replica[]
  readonly #estimates: Estimates
  readonly #lock: Lock
  readonly #thread: number
  /** The replicas among which two are drawn. */
  readonly #preferred: Int32Array

  constructor({ replicas, estimates, lock, thread }: DeploymentParts) {
    this.#replicas = replicas
    this.#estimates = estimates
    this.#lock = lock
    this.#thread = thread
    this.#preferred = new Int32Array(replicas.length)
  }

  /**
   * What may be expected of it now: of several replicas the best. A breaker that has been open for its time, and that
   * nobody probes, counts as ready: the next `take` is its probe.
   *
   * @param without replicas that are left out, but not all
   */
  standing(now: EpochMs, without: readonly number[] = NO_REPLICAS): Standing {
    let best: Standing | null = null
    for (let i = 0; i < this.#replicas.length; i++) {
      if (without.length > 0 && without.includes(i)) continue
      const standing = this.#standingOf(this.#replicas[i]!, now)
      if (standing.kind === 'ready') return standing
      if (best === null || isBetter(standing, best)) best = standing
    }
    return best!
  }

  /**
   * Takes a replica for an attempt: of two drawn ones among those that may be asked, the one with fewer calls
   * outstanding. Replicas that recover are taken where no other may be asked, tried ones where no untried one may.
   *
   * @param random draws a number from 0 to below 1
   * @param tried replicas that this call has tried
   * @returns null when none may be asked, or not any more
   */
  take(now: EpochMs, random: () => number, tried: readonly number[]): Taken | null {
    // A probe may be lost to another thread; then it is no candidate any more.
    for (let chances = this.#replicas.length; chances > 0; chances--) {
      const candidates = this.#prefer(now, tried)
      if (candidates === 0) return null
      const index = this.#choose(candidates, random)
      const taken = this.#enter(index, now)
      if (taken !== null) return taken
    }
    return null
  }

  /**
   * Takes one replica that somebody else has chosen.
   *
   * @returns null when it may not be asked, or not any more
   */
  takeOne(replica: number, now: EpochMs): Taken | null {
    const { kind } = this.#standingOf(this.#replicas[replica]!, now)
    return RANKS[kind] >= NOT_ASKED ? null : this.#enter(replica, now)
  }

  /** Whether nothing is to be minded of a replica: one that failed is no such until a call has found it well for a while. */
  isClear(replica: number): boolean {
    return this.#replicas[replica]!.isClear()
  }

  /** How one replica stands. */
  standingOf(replica: number, now: EpochMs): Standing {
    return this.#standingOf(this.#replicas[replica]!, now)
  }

  /** Calls that have not ended, over all replicas and threads. */
  outstanding(): number {
    let total = 0
    for (const { outstanding } of this.#replicas) total += outstanding.total()
    return total
  }

  /**
   * The median of the last streams, none of them older than five minutes when the last one came.
   *
   * @returns null while nothing is known, or nothing was heard for five minutes. Routers try such a deployment first,
   *   so that a slow one gets its chance again, but by one call at a time: where `outstanding` is not 0, somebody is
   *   finding out.
   */
  timeToFirstTokenMs(now: EpochMs): DurationMs | null {
    this.#lock.acquire()
    try {
      return this.#estimates.firstToken.at(now)
    } finally {
      this.#lock.release()
    }
  }

  /** As `timeToFirstTokenMs`, of plain answers and their whole time: what there is to compare where nobody streams. */
  timeToAnswerMs(now: EpochMs): DurationMs | null {
    this.#lock.acquire()
    try {
      return this.#estimates.answer.at(now)
    } finally {
      this.#lock.release()
    }
  }

  /** From 0 to 1, of the last hundred attempts or so; it falls while nothing is heard. Null while nothing is known. */
  failureShare(now: EpochMs): number | null {
    this.#lock.acquire()
    try {
      return this.#estimates.failureShare(now)
    } finally {
      this.#lock.release()
    }
  }

  /** How each replica stands, in the order of the upstream's list. */
  replicas(now: EpochMs): readonly { readonly standing: Standing; readonly outstanding: number }[] {
    return this.#replicas.map(replica => ({
      standing: this.#standingOf(replica, now),
      outstanding: replica.outstanding.total(),
    }))
  }

  #standingOf(replica: Replica, now: EpochMs): Standing {
    if (replica.isClear()) return READY
    this.#lock.acquire()
    try {
      return replica.standing(now)
    } finally {
      this.#lock.release()
    }
  }

  /** @returns how many there are in `#preferred` */
  #prefer(now: EpochMs, tried: readonly number[]): number {
    let best = Number.POSITIVE_INFINITY
    let count = 0
    for (let i = 0; i < this.#replicas.length; i++) {
      const { kind } = this.#standingOf(this.#replicas[i]!, now)
      if (RANKS[kind] >= NOT_ASKED) continue
      const rank = RANKS[kind] + (tried.includes(i) ? TRIED : 0)
      if (rank > best) continue
      if (rank < best) count = 0
      best = rank
      this.#preferred[count++] = i
    }
    return count
  }

  #choose(candidates: number, random: () => number): number {
    if (candidates === 1) return this.#preferred[0]!
    const first = Math.floor(random() * candidates)
    const other = Math.floor(random() * (candidates - 1))
    const one = this.#preferred[first]!
    const two = this.#preferred[other < first ? other : other + 1]!
    return this.#replicas[two]!.outstanding.total() < this.#replicas[one]!.outstanding.total() ? two : one
  }

  #enter(index: number, now: EpochMs): Taken | null {
    const replica = this.#replicas[index]!
    const pass = replica.isClear() ? replica.breaker.pass() : this.#enterSlowly(replica, now)
    if (pass === null) return null
    replica.outstanding.add()
    return new TakenReplica({ index, pass, replica, estimates: this.#estimates, lock: this.#lock })
  }

  #enterSlowly(replica: Replica, now: EpochMs) {
    this.#lock.acquire()
    try {
      return replica.enter(now, this.#thread)
    } finally {
      this.#lock.release()
    }
  }
}

function isBetter(one: Standing, other: Standing): boolean {
  if (RANKS[one.kind] !== RANKS[other.kind]) return RANKS[one.kind] < RANKS[other.kind]
  return (one.until ?? 0) < (other.until ?? 0)
}
