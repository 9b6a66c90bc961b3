import type { BlockHashes } from './block-hash.ts'

/** Marks an empty place; block 0 is vLLM's null block and is never in the index. */
const EMPTY = 0
const INITIAL_PLACES = 1024

/**
 * From hashes of blocks to block numbers: open addressing with linear probing, at most half full. A place is two words
 * beside each other, the low word of the hash and the block, so that looking costs one miss of the processor's cache:
 * with a million blocks those misses are most of what a simulation costs. A `Map` would box every key besides.
 */
export class HashIndex {
  #places = new Int32Array(2 * INITIAL_PLACES)
  #mask = INITIAL_PLACES - 1
  size = 0

  /**
   * @param hashes of all blocks, by block number: the low words of two hashes may be the same
   * @returns 0 when the hash is not there
   */
  get(hash: number, hashes: BlockHashes): number {
    const places = this.#places
    const mask = this.#mask
    const low = hash | 0
    for (let place = homeOf(low, mask); ; place = (place + 1) & mask) {
      const block = places[2 * place + 1]!
      if (block === EMPTY || (places[2 * place] === low && hashes[block] === hash)) return block
    }
  }

  /** Adds a block under a hash that is not there. */
  add(hash: number, block: number): void {
    const places = this.#places
    const mask = this.#mask
    let place = homeOf(hash | 0, mask)
    while (places[2 * place + 1] !== EMPTY) place = (place + 1) & mask
    places[2 * place] = hash | 0
    places[2 * place + 1] = block
    if (++this.size * 2 > mask) this.#grow()
  }

  /** Puts another block with the same hash in the place of one that is there. */
  replace(hash: number, block: number, other: number): void {
    this.#places[2 * this.#find(hash | 0, block) + 1] = other
  }

  /** Takes out a block that is there. */
  delete(hash: number, block: number): void {
    const places = this.#places
    const mask = this.#mask
    let hole = this.#find(hash | 0, block)
    this.size--
    // Those behind the hole move up, unless that would take them before the place where their search begins.
    for (let place = (hole + 1) & mask; places[2 * place + 1] !== EMPTY; place = (place + 1) & mask) {
      const home = homeOf(places[2 * place]!, mask)
      if (((place - home) & mask) < ((place - hole) & mask)) continue
      places[2 * hole] = places[2 * place]!
      places[2 * hole + 1] = places[2 * place + 1]!
      hole = place
    }
    places[2 * hole + 1] = EMPTY
  }

  #find(low: number, block: number): number {
    let place = homeOf(low, this.#mask)
    while (this.#places[2 * place + 1] !== block) place = (place + 1) & this.#mask
    return place
  }

  #grow(): void {
    const old = this.#places
    this.#places = new Int32Array(old.length * 2)
    this.#mask = old.length - 1
    this.size = 0
    for (let i = 0; i < old.length; i += 2) if (old[i + 1] !== EMPTY) this.add(old[i]!, old[i + 1]!)
  }
}

/** The low words are well mixed but odd, hence the shift. */
function homeOf(low: number, mask: number): number {
  return (low >>> 1) & mask
}
