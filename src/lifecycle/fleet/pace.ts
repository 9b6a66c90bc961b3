import type { DurationMs, EpochMs } from '../../units/time.ts'

/** How much of a call that has just ended is taken over. */
const GAIN = 0.1
/** Fewer calls than this tell nothing of the next ones. */
const ENOUGH = 3

/** How fast places of a pool come free: by the calls that had them, not by the clock, which counts idle hours too. */
export class Pace {
  #ended = 0
  #serviceMs: DurationMs = 0
  #work = 0
  #lastEndAt: EpochMs = Number.NEGATIVE_INFINITY

  /**
   * @param work that it was expected to take
   * @param serviceMs how long it had its place
   */
  freed(work: number, serviceMs: DurationMs, now: EpochMs): void {
    this.#ended++
    const gain = Math.max(GAIN, 1 / this.#ended)
    this.#serviceMs += gain * (serviceMs - this.#serviceMs)
    this.#work += gain * (work - this.#work)
    this.#lastEndAt = now
  }

  /**
   * Between two places that come free while so many calls are under way. Where none has come free for longer than that,
   * though somebody waited, so long.
   *
   * @param waitingSince since when somebody waits
   * @returns null while too little is known
   */
  gapMs(inFlight: number, waitingSince: EpochMs, now: EpochMs): DurationMs | null {
    if (this.#ended < ENOUGH) return null
    const usual = this.#serviceMs / Math.max(1, inFlight)
    return Math.max(usual, now - Math.max(this.#lastEndAt, waitingSince))
  }

  /** How many usual calls so much work is. */
  callsOf(work: number): number {
    return this.#work > 0 ? work / this.#work : 0
  }

  /** Whether enough calls have ended to say what is clear. */
  get isKnown(): boolean {
    return this.#ended >= 4 * ENOUGH
  }
}
