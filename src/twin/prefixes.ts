import type { Tokens } from '../units/tokens.ts'
import type { PromptBlocks } from '../vocabulary/scheduling.ts'

/** Which beginnings of prompts went to a replica lately: what a router that sees only its own traffic can know of its cache. */
export class RoutedPrefixes {
  readonly #capacityTokens: Tokens
  /** Hashes of blocks, the least recently used first. */
  readonly #blocks = new Set<number>()

  /** @param capacityTokens that are remembered, as many as the replica's cache holds */
  constructor(capacityTokens: Tokens) {
    this.#capacityTokens = capacityTokens
  }

  /** Blocks from the beginning of the prompt that went there without a gap. */
  matched({ hashes }: PromptBlocks): number {
    let matched = 0
    while (matched < hashes.length && this.#blocks.has(hashes[matched]!)) matched++
    return matched
  }

  learn({ hashes, blockTokens }: PromptBlocks): void {
    // The last block first, so that beginnings are forgotten last.
    for (let i = hashes.length - 1; i >= 0; i--) {
      this.#blocks.delete(hashes[i]!)
      this.#blocks.add(hashes[i]!)
    }
    const most = Math.max(1, Math.floor(this.#capacityTokens / blockTokens))
    for (const oldest of this.#blocks) {
      if (this.#blocks.size <= most) break
      this.#blocks.delete(oldest)
    }
  }
}
