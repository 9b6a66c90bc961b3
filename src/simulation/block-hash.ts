/**
 * Hashes of full blocks, each over its own tokens and all before them, as whole numbers from 1 to 2^53 − 1: two prompts
 * share a block's hash only when they agree from the first token to the block's last. With a million blocks the chance
 * that any two meet by accident is about one in twenty thousand, which a simulation can bear.
 */
export type BlockHashes = Float64Array

const HIGH = 2 ** 32
const INITIAL_CAPACITY = 32

/** Chains hashes of blocks while the tokens of a prompt come in. */
export class BlockHasher {
  readonly #blockTokens: number
  #low = 0x2545f491
  #high = 0x6c078965
  #hashes: BlockHashes
  #blocks = 0
  #inBlock = 0
  /** Tokens taken so far. */
  tokens = 0

  /** @param blocks how many full blocks are to be expected; more are taken too */
  constructor(blockTokens: number, blocks: number = INITIAL_CAPACITY) {
    this.#blockTokens = blockTokens
    this.#hashes = new Float64Array(blocks)
  }

  /** Takes one token, as any 32-bit number that stands for it. */
  push(token: number): void {
    this.#mix(token)
    this.tokens++
    if (++this.#inBlock === this.#blockTokens) this.#closeBlock()
  }

  /** Takes a whole block at once by a number that stands for its content; only between blocks. */
  pushBlock(content: number): void {
    this.#mix(content | 0)
    this.#mix(Math.floor(content / HIGH) | 0)
    this.tokens += this.#blockTokens
    this.#closeBlock()
  }

  /** A hasher that goes on from here by itself: for several answers to one prompt. */
  fork(): BlockHasher {
    const other = new BlockHasher(this.#blockTokens, 0)
    other.#low = this.#low
    other.#high = this.#high
    other.#hashes = this.#hashes.slice()
    other.#blocks = this.#blocks
    other.#inBlock = this.#inBlock
    other.tokens = this.tokens
    return other
  }

  /** A number of 32 bits that stands for everything taken so far. */
  get digest(): number {
    return (this.#low ^ this.#high) >>> 0
  }

  /** The hashes of the full blocks so far. */
  hashes(): BlockHashes {
    return this.#hashes.subarray(0, this.#blocks)
  }

  #mix(token: number): void {
    let low = Math.imul(this.#low ^ token, 0x9e3779b1)
    low ^= low >>> 15
    let high = Math.imul((this.#high + token) ^ low, 0x85ebca6b)
    high ^= high >>> 13
    this.#low = low
    this.#high = high
  }

  #closeBlock(): void {
    this.#inBlock = 0
    if (this.#blocks === this.#hashes.length) {
      const larger = new Float64Array(Math.max(INITIAL_CAPACITY, this.#blocks * 2))
      larger.set(this.#hashes)
      this.#hashes = larger
    }
    // The low word is never 0 here in full, so that 0 can mean "no hash".
    this.#hashes[this.#blocks++] = ((this.#high & 0x1fffff) >>> 0) * HIGH + ((this.#low >>> 0) | 1)
  }
}

/**
 * Hashes for a prompt of a recorded trace, which names the content of blocks larger than the engine's.
 *
 * @param ids content of each block of the trace, the last one possibly partial
 * @param tokens length of the prompt
 * @param size.traceTokens tokens of a block of the trace, a multiple of `size.blockTokens`
 */
export function hashTraceBlocks(
  ids: Iterable<number>,
  tokens: number,
  size: { readonly traceTokens: number; readonly blockTokens: number },
): BlockHashes {
  const parts = size.traceTokens / size.blockTokens
  if (!Number.isInteger(parts)) throw new RangeError('a block of the trace must be whole blocks of the engine')
  const full = Math.floor(tokens / size.blockTokens)
  const hasher = new BlockHasher(size.blockTokens, full)
  let blocks = 0
  for (const id of ids) {
    for (let part = 0; part < parts && blocks < full; part++, blocks++) hasher.pushBlock(id * parts + part)
  }
  return hasher.hashes()
}
