import type { ReplicaState as PlacementState } from '../../policy/placement/fleet.ts'
import type { ReplicaAddress } from '../../ports/engine.ts'
import type { EngineLoad } from '../../ports/fleet.ts'
import type { DurationMs, MonotonicMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'

/** Of each further call, what the sums of those before count for. */
const FADING = 0.98

/** Ends of calls are remembered so long, and no more of them: how long an answer about its load may take, and what ends meanwhile. */
const ENDS_MS: DurationMs = 5_000
const MOST_ENDS = 1_024

/** One replica of a pool, by its place in the list. */
export class ReplicaDesk {
  state: PlacementState
  url = ''
  address: ReplicaAddress | null = null
  isPresent = false
  /** Somebody listens there, as far as is known. */
  isReachable = true
  /** What it said last, and when it was asked; null before. */
  load: EngineLoad | null = null
  heardAt: MonotonicMs | null = null
  /** Its answers tell how much of a prompt was cached, so that they can be learnt from. */
  tellsCached = false
  /** When its last calls ended, in order. */
  #ends: MonotonicMs[] = []
  #inputTokens = 0
  #cachedTokens = 0

  constructor(state: PlacementState) {
    this.state = state
  }

  /** Another one has taken its place in the list. */
  isAnother(state: PlacementState): void {
    this.state = state
    this.load = null
    this.heardAt = null
    this.tellsCached = false
    this.#ends = []
    this.#inputTokens = 0
    this.#cachedTokens = 0
  }

  expected(inputTokens: Tokens, cachedTokens: Tokens): void {
    this.#inputTokens = this.#inputTokens * FADING + inputTokens
    this.#cachedTokens = this.#cachedTokens * FADING + cachedTokens
  }

  ended(now: MonotonicMs): void {
    this.#ends.push(now)
    let old = Math.max(0, this.#ends.length - MOST_ENDS)
    while (this.#ends[old]! < now - ENDS_MS) old++
    if (old > 0) this.#ends.splice(0, old)
  }

  /** Own calls that were under way at a time, as far as they may have been: what it says of then has them in it. */
  inFlightAt(then: MonotonicMs): number {
    let count = this.state.inFlight
    for (let i = this.#ends.length - 1; i >= 0 && this.#ends[i]! >= then; i--) count++
    return count
  }

  /** Of the input tokens of its last calls, the share that was expected in its cache; null before the first. */
  get expectedCachedShare(): number | null {
    return this.#inputTokens === 0 ? null : this.#cachedTokens / this.#inputTokens
  }
}
