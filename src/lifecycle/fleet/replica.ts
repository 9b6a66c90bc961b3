import type { ReplicaState as PlacementState } from '../../policy/placement/fleet.ts'
import type { ReplicaAddress } from '../../ports/engine.ts'
import type { EngineLoad } from '../../ports/fleet.ts'
import type { MonotonicMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'

/** Of each further call, what the sums of those before count for. */
const FADING = 0.98

/** One replica of a pool, by its place in the list. */
export class ReplicaDesk {
  readonly state: PlacementState
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
  #inputTokens = 0
  #cachedTokens = 0

  constructor(state: PlacementState) {
    this.state = state
  }

  expected(inputTokens: Tokens, cachedTokens: Tokens): void {
    this.#inputTokens = this.#inputTokens * FADING + inputTokens
    this.#cachedTokens = this.#cachedTokens * FADING + cachedTokens
  }

  /** Of the input tokens of its last calls, the share that was expected in its cache; null before the first. */
  get expectedCachedShare(): number | null {
    return this.#inputTokens === 0 ? null : this.#cachedTokens / this.#inputTokens
  }
}
