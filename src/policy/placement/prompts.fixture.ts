/**
 * Hashes of a prompt's blocks as the data plane makes them: each of its own text and all before it.
 *
 * @param texts a whole number for what each block says
 */
export function chained(texts: readonly number[]): Float64Array {
  const hashes = new Float64Array(texts.length)
  let [high, low] = [0x2545f491, 0x9e3779b9]
  for (const [i, text] of texts.entries()) {
    low = Math.imul(low ^ (text + 1), 0x85ebca6b)
    low ^= low >>> 13
    high = Math.imul(high ^ low, 0xc2b2ae35)
    high ^= high >>> 16
    hashes[i] = 1 + (high >>> 11) * 2 ** 32 + (low >>> 0)
  }
  return hashes
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
