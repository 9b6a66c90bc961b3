import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Pass } from './breaker.ts'
import type { Estimates } from './estimates.ts'
import type { Lock } from './lock.ts'
import type { Replica } from './replica.ts'

/**
 * How an attempt went for the deployment: `well` (the caller's faults too), `failed` (its fault), `limited` (alive, but
 * wants fewer calls), `none` (the caller left or a rival was faster, which says nothing).
 */
export type Verdict = 'well' | 'failed' | 'limited' | 'none'

/** A replica that was taken for an attempt. */
export interface Taken {
  /** Its place in the upstream's list. */
  readonly replica: number
  /** Whether this attempt finds out if the replica is well again. */
  readonly isProbe: boolean
  /** The first content of a stream, or a whole plain answer, came: it is alive. */
  answered(now: EpochMs, answer: Answer): void
  /**
   * A stream is given up that showed no content for so long: it would have taken longer still. Without this a
   * deployment whose slow calls all lose to a rival or a time limit is known by its quick ones alone.
   */
  unanswered(now: EpochMs, waitedMs: DurationMs): void
  /**
   * It is over; later calls change nothing.
   *
   * @param quietUntil before then the replica is not to be asked, by its own word; null where it said nothing
   */
  ended(verdict: Verdict, now: EpochMs, quietUntil: EpochMs | null): void
}

/** How the first that came of an answer came. */
export interface Answer {
  /** From sending the request: to the first content of a stream, to the end of a plain answer. */
  readonly waitedMs: DurationMs
  readonly streamed: boolean
}

/** A wait without content says something from here on, where nothing else is known: a refused connection does not. */
const TELLING_WAIT_MS: DurationMs = 1_000

export interface TakenParts {
  readonly index: number
  readonly pass: Pass
  readonly replica: Replica
  readonly estimates: Estimates
  readonly lock: Lock
}

export class TakenReplica implements Taken {
  readonly replica: number
  readonly isProbe: boolean
  readonly #parts: TakenParts
  #isAnswered = false
  #isEnded = false

  constructor(parts: TakenParts) {
    this.#parts = parts
    this.replica = parts.index
    this.isProbe = parts.pass.token !== 0
  }

  answered(now: EpochMs, { waitedMs, streamed }: Answer): void {
    if (this.#isAnswered || this.#isEnded) return
    this.#isAnswered = true
    const { pass, replica, estimates, lock } = this.#parts
    const learnt = streamed ? estimates.firstToken : estimates.answer
    lock.acquire()
    try {
      // How quick it was before it failed, and under what load, says nothing of now: it would be held against it for minutes.
      if (this.isProbe) estimates.forgetTimes()
      learnt.add(waitedMs, now)
      replica.breaker.answered(pass, now)
    } finally {
      lock.release()
    }
  }

  unanswered(now: EpochMs, waitedMs: DurationMs): void {
    if (this.#isAnswered || this.#isEnded) return
    const { estimates, lock } = this.#parts
    lock.acquire()
    try {
      if (waitedMs > (estimates.firstToken.at(now) ?? TELLING_WAIT_MS)) estimates.firstToken.add(waitedMs, now)
    } finally {
      lock.release()
    }
  }

  ended(verdict: Verdict, now: EpochMs, quietUntil: EpochMs | null): void {
    if (this.#isEnded) return
    this.#isEnded = true
    const { replica, lock } = this.#parts
    replica.outstanding.remove()
    lock.acquire()
    try {
      this.#judge(verdict, now)
      if (quietUntil !== null) replica.keepQuiet(quietUntil, now)
    } finally {
      lock.release()
    }
  }

  #judge(verdict: Verdict, now: EpochMs): void {
    const { pass, replica, estimates } = this.#parts
    const { breaker } = replica
    switch (verdict) {
      case 'well':
      case 'limited':
        // Being limited is a sign of life, but no success by which a deployment would be preferred.
        if (verdict === 'well') estimates.ended(false, now)
        if (!this.#isAnswered) breaker.answered(pass, now)
        return breaker.well(pass, now)
      case 'failed':
        estimates.ended(true, now)
        return breaker.failed(pass, now)
      case 'none':
        return breaker.giveBack(pass)
    }
  }
}
