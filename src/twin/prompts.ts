import { BlockHasher, type BlockHashes } from '../simulation/block-hash.ts'
import type { Tokens } from '../units/tokens.ts'
import { NO_BLOCKS, type PromptBlocks } from '../vocabulary/scheduling.ts'

/** A prompt of a recording: its length, and the blocks that it may share with others. */
export interface Prompt {
  readonly inputTokens: Tokens
  /** Ranges of ids, as `TraceRequest` has them; null where the recording knows no prefixes. */
  readonly blocks: readonly number[] | null
}

/** The scheduler looks at blocks of about so many tokens: a cache is worth the search for whole steps of an engine. */
const SEEN_TOKENS: Tokens = 512
/** No two prompts of different recordings begin alike: the ids of each recording get their own place. */
const PLACES = 2 ** 33
const NO_HASHES: BlockHashes = new Float64Array(0)

/** Makes hashes of prompts: those of an engine's small blocks, and those of larger ones by which a scheduler looks for them. */
export class PromptHashes {
  readonly #traceTokens: Tokens | null
  readonly #place: number

  /** @param place of the recording among those that are played together, from 0 */
  constructor(traceTokens: Tokens | null, place: number) {
    this.#traceTokens = traceTokens
    this.#place = place * PLACES
  }

  /**
   * Of the full blocks of an engine.
   *
   * @param blockTokens of the engine's blocks; where they do not divide the recording's, nothing is shared
   */
  ofEngine({ inputTokens, blocks }: Prompt, blockTokens: Tokens): BlockHashes {
    const traceTokens = this.#traceTokens
    if (blocks === null || traceTokens === null) return NO_HASHES
    const parts = partsOf(traceTokens, blockTokens)
    // What stands behind the last block of the recording is shared with nobody, and so needs no hash.
    const full = Math.floor(inputTokens / blockTokens)
    const hasher = new BlockHasher(blockTokens, full)
    let made = 0
    for (let i = 0; i < blocks.length; i += 2) {
      for (let id = blocks[i]!; id <= blocks[i + 1]!; id++) {
        const content = (this.#place + id) * parts
        for (let part = 0; part < parts && made < full; part++, made++) hasher.pushBlock(content + part)
      }
    }
    return hasher.hashes()
  }

  /** As the scheduler sees the prompt: full blocks of the recording, several in one where they are small. */
  ofScheduler({ inputTokens, blocks }: Prompt): PromptBlocks {
    const traceTokens = this.#traceTokens
    if (blocks === null || traceTokens === null) return NO_BLOCKS
    const joined = Math.max(1, Math.round(SEEN_TOKENS / traceTokens))
    const blockTokens = joined * traceTokens
    const full = Math.floor(inputTokens / traceTokens)
    const hasher = new BlockHasher(traceTokens, full)
    for (let i = 0, made = 0; i < blocks.length && made < full; i += 2) {
      for (let id = blocks[i]!; id <= blocks[i + 1]! && made < full; id++, made++) hasher.pushBlock(this.#place + id)
    }
    const hashes = hasher.hashes()
    if (joined === 1) return { hashes, blockTokens }
    // A hash stands for everything before it, so that each last one of several is enough.
    const whole = Math.floor(hashes.length / joined)
    const seen = new Float64Array(whole)
    for (let i = 0; i < whole; i++) seen[i] = hashes[(i + 1) * joined - 1]!
    return { hashes: seen, blockTokens }
  }
}

function partsOf(traceTokens: Tokens, blockTokens: Tokens): number {
  const parts = traceTokens / blockTokens
  if (!Number.isInteger(parts))
    throw new RangeError(`blocks of ${traceTokens} tokens are not whole blocks of ${blockTokens} of the engine`)
  return parts
}
