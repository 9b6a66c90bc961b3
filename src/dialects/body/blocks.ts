import type { PromptBlocks } from '../../vocabulary/scheduling.ts'

/** Bytes of a block: some 70 tokens, four blocks of an engine's cache. */
export const BLOCK_BYTES = 256
/** Of a longer prompt the first two megabytes are enough to tell who has its beginning. */
export const MAX_BLOCKS = 8_192
/** As input tokens are estimated of bytes: see policy/estimate. */
const BYTES_PER_TOKEN = 3.6

/** Where the two halves of a hash begin, and by what they multiply: constants of MurmurHash3 and of its authors' mixers. */
const LOW = { seed: 0x9e3779b9, multiplier: 0xcc9e2d51 }
const HIGH = { seed: 0x7f4a7c15, multiplier: 0x1b873593 }
/** High bits of a hash: with 32 low ones they make a whole number below 2^53. */
const HIGH_BITS = 21

/**
 * Hashes the parts of a prompt in blocks of bytes, each with all before it. Templates put tools and system prompt before
 * the messages, wherever the body has them, and a conversation grows at its end: so its next call begins with the same
 * blocks. What a part has behind its last whole block counts for the blocks of the next part.
 *
 * @param parts places in the bytes where values begin and end, in the order in which engines read them
 */
export function blocksOf(bytes: Uint8Array, parts: readonly { readonly at: number; readonly end: number }[]) {
  let blocks = 0
  for (const { at, end } of parts) blocks += Math.floor((end - at) / BLOCK_BYTES)
  if (blocks === 0) return { hashes: new Float64Array(0), blockTokens: BLOCK_BYTES / BYTES_PER_TOKEN }
  const hasher = new BlockHasher(bytes)
  const hashes = new Float64Array(Math.min(blocks, MAX_BLOCKS))
  let made = 0
  for (const { at, end } of parts) {
    let from = at
    for (; from + BLOCK_BYTES <= end && made < hashes.length; from += BLOCK_BYTES) {
      hasher.take(from, from + BLOCK_BYTES)
      hashes[made++] = hasher.value()
    }
    if (made === hashes.length && made === MAX_BLOCKS) break
    hasher.take(from, end)
  }
  return { hashes, blockTokens: BLOCK_BYTES / BYTES_PER_TOKEN } satisfies PromptBlocks
}

/** Each word is mixed into both halves. Even and odd ones go separate ways, so that the processor need not wait for one before the next. */
class BlockHasher {
  readonly #view: DataView
  #low = LOW.seed
  #high = HIGH.seed

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  take(from: number, to: number): void {
    const view = this.#view
    let low = this.#low
    let high = this.#high
    // The length tells apart a part that ends here from one that goes on with zeros.
    let oddLow = low ^ (to - from)
    let oddHigh = high ^ (to - from)
    let at = from
    for (; at + 8 <= to; at += 8) {
      const even = view.getInt32(at, true)
      const odd = view.getInt32(at + 4, true)
      low = Math.imul(low ^ even, LOW.multiplier)
      low ^= low >>> 15
      high = Math.imul(high ^ even, HIGH.multiplier)
      high ^= high >>> 13
      oddLow = Math.imul(oddLow ^ odd, LOW.multiplier)
      oddLow ^= oddLow >>> 15
      oddHigh = Math.imul(oddHigh ^ odd, HIGH.multiplier)
      oddHigh ^= oddHigh >>> 13
    }
    for (; at < to; at++) {
      const byte = view.getUint8(at)
      low = Math.imul(low ^ byte, LOW.multiplier)
      high = Math.imul(high ^ byte, HIGH.multiplier)
    }
    this.#low = joined(low, oddLow, LOW.multiplier)
    this.#high = joined(high, oddHigh, HIGH.multiplier)
  }

  /** From 1 to below 2^53. */
  value(): number {
    return (finish(this.#high) >>> (32 - HIGH_BITS)) * 2 ** 32 + finish(this.#low) || 1
  }
}

/** One of two ways is turned, so that equal differences in both don't cancel each other. */
function joined(even: number, odd: number, multiplier: number): number {
  return Math.imul(even ^ ((odd << 16) | (odd >>> 16)), multiplier)
}

/** The finish of MurmurHash3: every bit of the whole changes every bit of the result. */
function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
