import type { ParsedBody } from '../ports/wire.ts'
import type { Tokens } from '../units/tokens.ts'
import { NO_BLOCKS, type PromptBlocks } from '../vocabulary/scheduling.ts'
import { requestBytes } from './lengths.ts'

/** So many bytes count as a token where the lifecycle reckons tokens from bytes: what its own estimate says of prose. */
const BYTES_PER_INPUT_TOKEN = 3.6
const NO_BYTES = new Uint8Array(0)

/** What a request asks for, as the data plane would have parsed it: lengths, and the blocks of its prompt. */
export class LengthsBody implements ParsedBody {
  readonly model: string
  readonly streamed = true
  readonly maxOutputTokens = null
  readonly choices = 1
  readonly wantsUsage = false
  readonly inputTokens: Tokens
  readonly bytes: number
  readonly promptBytes: number
  readonly promptWeight: number
  readonly #number: number
  readonly #blocksOf: () => PromptBlocks
  #blocks: PromptBlocks | null = null
  #released = false

  /** @param of.number by which the engines know the request */
  constructor(of: {
    readonly number: number
    readonly model: string
    readonly inputTokens: Tokens
    readonly blocksOf: () => PromptBlocks
  }) {
    this.#number = of.number
    this.model = of.model
    this.inputTokens = of.inputTokens
    this.promptBytes = Math.floor(of.inputTokens * BYTES_PER_INPUT_TOKEN)
    this.bytes = this.promptBytes
    this.promptWeight = of.inputTokens
    this.#blocksOf = of.blocksOf
  }

  forUpstream(): readonly Uint8Array[] {
    return [requestBytes(this.#number)]
  }

  /** Prompts that begin with the same block open alike. */
  opening(): Uint8Array {
    const first = this.blocks().hashes[0]
    return first === undefined ? NO_BYTES : new Uint8Array(Float64Array.of(first).buffer)
  }

  blocks(): PromptBlocks {
    if (this.#released) return NO_BLOCKS
    this.#blocks ??= this.#blocksOf()
    return this.#blocks
  }

  release(): void {
    this.#blocks = null
    this.#released = true
  }
}
