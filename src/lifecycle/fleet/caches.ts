import { PrefixIndex } from '../../policy/placement/prefix-index.ts'
import type { CacheChange } from '../../ports/fleet.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { Pool, PromptBlocks } from '../../vocabulary/scheduling.ts'

/** A cache whose size nobody tells is taken to hold so many tokens: about what an 8 B model leaves of 80 GB. */
const ASSUMED_TOKENS: Tokens = 400_000
/** Where less was found than was expected, a cache is taken to be by so much smaller than what is remembered of it. */
const SHRINKING = 0.9
/** And where all was found in a cache that seemed full, by so much larger. */
const GROWING = 1.02
/** Blocks are remembered of the smallest cache. */
const LEAST_BLOCKS = 16
/** So many blocks less than expected are no news: the end of a prompt may have changed. */
const NEWS_BLOCKS = 4

/** What the replicas of a pool probably have of the prompts of one deployment. */
export class Caches {
  readonly #index: PrefixIndex
  readonly #tokens: Float64Array
  /** By replica: the share of its cache that is reckoned with, for others may use it too. */
  readonly #share: Float64Array
  /** By replica: tokens that its cache holds in all, by its own word; NaN where that is not known. */
  readonly #resident: Float64Array
  #blockTokens = 0

  /** @param seed as `PrefixIndex` has it */
  constructor({ slots, kvTokens }: Pick<Pool, 'slots' | 'kvTokens'>, seed: number) {
    this.#index = new PrefixIndex({ slots, seed })
    this.#tokens = new Float64Array(slots).fill(kvTokens ?? ASSUMED_TOKENS)
    this.#share = new Float64Array(slots).fill(1)
    this.#resident = new Float64Array(slots).fill(Number.NaN)
  }

  match({ hashes, blockTokens }: PromptBlocks, into: Int32Array): void {
    // Where there are no blocks, their size is anything.
    if (hashes.length > 0) this.#measure(blockTokens)
    this.#index.match(hashes, into)
  }

  learn(replica: number, { hashes }: PromptBlocks): void {
    this.#index.learn(replica, hashes, hashes.length)
  }

  forget(replica: number): void {
    this.#index.forget(replica)
    this.#share[replica] = 1
    this.#resident[replica] = Number.NaN
  }

  /** Blocks that are remembered of a replica, and that there is room for. */
  fill(replica: number): { readonly held: number; readonly room: number } {
    return { held: this.#index.held(replica), room: this.#blocks(replica) }
  }

  /** Its cache holds so many tokens, by its own word. */
  holds(replica: number, kvTokens: Tokens): void {
    if (this.#tokens[replica] === kvTokens) return
    this.#tokens[replica] = kvTokens
    this.#share[replica] = 1
    this.#bound(replica)
  }

  /** So many tokens of a prompt were found in the cache, of those that were expected. */
  found(replica: number, cachedTokens: Tokens, expectedTokens: Tokens): void {
    if (this.#blockTokens === 0 || expectedTokens === 0) return
    const held = this.#index.held(replica)
    if (expectedTokens - cachedTokens > NEWS_BLOCKS * this.#blockTokens && cachedTokens < expectedTokens / 2) {
      this.#share[replica] = (SHRINKING * held * this.#blockTokens) / this.#tokens[replica]!
    } else if (held >= this.#blocks(replica)) {
      this.#share[replica] = Math.min(1, this.#share[replica]! * GROWING)
    } else return
    this.#bound(replica)
  }

  /** The engine tells what its cache has taken and let go: no more is expected of it than it holds. */
  changed(replica: number, { kind, tokens }: CacheChange): void {
    switch (kind) {
      case 'cleared':
        this.#resident[replica] = 0
        return this.#index.forget(replica)
      case 'unknown':
        this.#resident[replica] = Number.NaN
        return
      case 'stored':
        this.#resident[replica]! += tokens
        return
      case 'removed':
        this.#resident[replica] = Math.max(0, this.#resident[replica]! - tokens)
        this.#holdToResident(replica)
    }
  }

  #holdToResident(replica: number): void {
    const resident = this.#resident[replica]!
    if (Number.isNaN(resident) || this.#blockTokens === 0) return
    this.#index.shrink(replica, Math.ceil(resident / this.#blockTokens))
  }

  #blocks(replica: number): number {
    if (this.#blockTokens === 0) return 0
    return Math.max(LEAST_BLOCKS, Math.floor((this.#tokens[replica]! * this.#share[replica]!) / this.#blockTokens))
  }

  #bound(replica: number): void {
    if (this.#blockTokens > 0) this.#index.setCapacity(replica, Math.min(this.#blocks(replica), 2 ** 30))
  }

  /** All prompts of a deployment have blocks of one size. */
  #measure(blockTokens: number): void {
    if (this.#blockTokens === blockTokens) return
    this.#blockTokens = blockTokens
    for (let replica = 0; replica < this.#tokens.length; replica++) this.#bound(replica)
  }
}
