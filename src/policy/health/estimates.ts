import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Place, RowSize } from './layout.ts'

const SAMPLES = 16
/** A sample counts for so long: a deployment that was slow once is tried again. */
const FRESH_MS: DurationMs = 300_000
/** After so long without outcomes, earlier ones weigh half. */
const HALF_LIFE_MS: DurationMs = 60_000
/** What each outcome leaves of the weight of those before it: a hundred or so are remembered. */
const MEMORY = 0.99
/** Outcomes of less weight are forgotten. */
const FORGOTTEN = 0.01
/** A deployment that nothing is known of is taken to have had one success: its first failure says one half. */
const PRIOR = 1

/** Integers: where the next sample goes, how many there are. Floats: median, time of the last one, values, times. */
const RING = { next: 0, filled: 1, ints: 2, median: 0, last: 1, values: 2, times: 2 + SAMPLES, floats: 2 + 2 * SAMPLES }
const F = { failures: 0, outcomes: 1, at: 2, rings: 3 } as const

export const ESTIMATES_ROW: RowSize = { ints: 2 * RING.ints, floats: F.rings + 2 * RING.floats }

/** Values in order while a median is looked for; one thread does one at a time. */
const SORTED = new Float64Array(SAMPLES)

/** What was learnt of a deployment by watching it, in memory that threads share. Called under the deployment's lock. */
export class Estimates {
  readonly firstToken: RecentMedian
  readonly answer: RecentMedian
  readonly #floats: Float64Array
  readonly #float: number

  constructor(ints: Int32Array, floats: Float64Array, { int, float }: Place) {
    this.#floats = floats
    this.#float = float
    this.firstToken = new RecentMedian(ints, floats, { int, float: float + F.rings })
    this.answer = new RecentMedian(ints, floats, { int: int + RING.ints, float: float + F.rings + RING.floats })
  }

  ended(isFailure: boolean, now: EpochMs): void {
    const weight = MEMORY * this.#fading(now)
    this.#floats[this.#float + F.failures] = weight * this.#get(F.failures) + (isFailure ? 1 : 0)
    this.#floats[this.#float + F.outcomes] = weight * this.#get(F.outcomes) + 1
    this.#floats[this.#float + F.at] = now
  }

  /** As if nothing had been learnt of its speed. */
  forgetTimes(): void {
    this.firstToken.forget()
    this.answer.forget()
  }

  /** From 0 to 1; the longer nothing is heard the nearer to 0. Null while nothing is known. */
  failureShare(now: EpochMs): number | null {
    const weight = this.#fading(now)
    const outcomes = weight * this.#get(F.outcomes)
    return outcomes < FORGOTTEN ? null : (weight * this.#get(F.failures)) / (outcomes + PRIOR)
  }

  #fading(now: EpochMs): number {
    return 2 ** (-Math.abs(now - this.#get(F.at)) / HALF_LIFE_MS)
  }

  #get(field: number): number {
    return this.#floats[this.#float + field]!
  }
}

/** The median of the last few samples, which a single odd one can not move far. */
export class RecentMedian {
  readonly #ints: Int32Array
  readonly #floats: Float64Array
  readonly #int: number
  readonly #float: number

  constructor(ints: Int32Array, floats: Float64Array, { int, float }: Place) {
    this.#ints = ints
    this.#floats = floats
    this.#int = int
    this.#float = float
  }

  add(sampleMs: DurationMs, now: EpochMs): void {
    const next = this.#ints[this.#int + RING.next]!
    this.#floats[this.#float + RING.values + next] = sampleMs
    this.#floats[this.#float + RING.times + next] = now
    this.#ints[this.#int + RING.next] = (next + 1) % SAMPLES
    const filled = this.#ints[this.#int + RING.filled]!
    if (filled < SAMPLES) this.#ints[this.#int + RING.filled] = filled + 1
    this.#floats[this.#float + RING.last] = now
    this.#floats[this.#float + RING.median] = this.#medianAt(now)
  }

  forget(): void {
    this.#ints[this.#int + RING.filled] = 0
    this.#ints[this.#int + RING.next] = 0
  }

  /** Of the samples that were fresh when the last one came; null when there is none, or that one is not fresh itself. */
  at(now: EpochMs): DurationMs | null {
    if (this.#ints[this.#int + RING.filled] === 0) return null
    if (!isFresh(this.#floats[this.#float + RING.last]!, now)) return null
    return this.#floats[this.#float + RING.median]!
  }

  #medianAt(now: EpochMs): DurationMs {
    const filled = this.#ints[this.#int + RING.filled]!
    let count = 0
    for (let i = 0; i < filled; i++) {
      if (!isFresh(this.#floats[this.#float + RING.times + i]!, now)) continue
      const value = this.#floats[this.#float + RING.values + i]!
      let place = count++
      for (; place > 0 && SORTED[place - 1]! > value; place--) SORTED[place] = SORTED[place - 1]!
      SORTED[place] = value
    }
    const middle = count >> 1
    return count % 2 === 1 ? SORTED[middle]! : (SORTED[middle - 1]! + SORTED[middle]!) / 2
  }
}

/** A sample from long after now was taken before the clock was put back. */
function isFresh(at: EpochMs, now: EpochMs): boolean {
  return Math.abs(now - at) < FRESH_MS
}
