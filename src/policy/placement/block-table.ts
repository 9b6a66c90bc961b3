const INITIAL_BLOCKS = 1_024
/** Multiplies odd words so that their high bits depend on all of them (Knuth, The Art of Computer Programming, 6.4). */
const MIXER = 0x9e3779b1

const HIGH_WORD = 2 ** 32

/** No such block. */
export const NO_BLOCK = -1

/**
 * Numbers the hashes of blocks: each that is there has a number from 0, below `capacity`, which is used again when it
 * has gone. Open addressing with linear probing, at most half full; a place is the low word of a hash and the number
 * plus one beside each other, so that looking for what is not there costs one miss of the processor's cache.
 */
export class BlockTable {
  /** By number. */
  hashes = new Float64Array(INITIAL_BLOCKS)
  readonly #seed: number
  #places = new Int32Array(4 * INITIAL_BLOCKS)
  #mask = 2 * INITIAL_BLOCKS - 1
  /** Numbers that were given back, as a stack. */
  #freed = new Int32Array(INITIAL_BLOCKS)
  #freedCount = 0
  /** Numbers that were ever given out. */
  #used = 0

  /** @param seed that nobody who writes prompts knows, lest their blocks are made to lie in one heap; a whole number */
  constructor(seed = 0) {
    this.#seed = seed | 0
  }

  /** One more than the highest number that can be given out before the table grows. */
  get capacity(): number {
    return this.hashes.length
  }

  get size(): number {
    return this.#used - this.#freedCount
  }

  /** @returns its number, or `NO_BLOCK` */
  find(hash: number): number {
    const places = this.#places
    const mask = this.#mask
    const low = hash | 0
    for (let place = this.#homeOf(hash) & mask; ; place = (place + 1) & mask) {
      const block = places[2 * place + 1]! - 1
      if (block === NO_BLOCK || (places[2 * place] === low && this.hashes[block] === hash)) return block
    }
  }

  /**
   * Adds a hash that is not there.
   *
   * @returns its number
   */
  add(hash: number): number {
    if (this.#freedCount === 0 && this.#used === this.capacity) this.#grow()
    const block = this.#freedCount > 0 ? this.#freed[--this.#freedCount]! : this.#used++
    this.hashes[block] = hash
    this.#put(hash, block)
    return block
  }

  /** Takes out a block that is there. */
  delete(block: number): void {
    const places = this.#places
    const mask = this.#mask
    let hole = this.#homeOf(this.hashes[block]!) & mask
    while (places[2 * hole + 1] !== block + 1) hole = (hole + 1) & mask
    // Those behind the hole move up, unless that would take them before the place where their search begins.
    for (let place = (hole + 1) & mask; places[2 * place + 1] !== 0; place = (place + 1) & mask) {
      const home = this.#homeOf(this.hashes[places[2 * place + 1]! - 1]!) & mask
      if (((place - home) & mask) < ((place - hole) & mask)) continue
      places[2 * hole] = places[2 * place]!
      places[2 * hole + 1] = places[2 * place + 1]!
      hole = place
    }
    places[2 * hole + 1] = 0
    this.#freed[this.#freedCount++] = block
  }

  #put(hash: number, block: number): void {
    let place = this.#homeOf(hash) & this.#mask
    while (this.#places[2 * place + 1] !== 0) place = (place + 1) & this.#mask
    this.#places[2 * place] = hash | 0
    this.#places[2 * place + 1] = block + 1
  }

  /** Doubles what is full to the last number. */
  #grow(): void {
    const hashes = new Float64Array(2 * this.capacity)
    hashes.set(this.hashes)
    this.hashes = hashes
    this.#freed = new Int32Array(hashes.length)
    this.#places = new Int32Array(4 * hashes.length)
    this.#mask = 2 * hashes.length - 1
    for (let block = 0; block < this.#used; block++) this.#put(hashes[block]!, block)
  }

  /** Both words and the seed count: whoever writes prompts can choose what one word is. */
  #homeOf(hash: number): number {
    let mixed = Math.imul((hash | 0) ^ this.#seed, MIXER)
    mixed = Math.imul(mixed ^ (mixed >>> 15) ^ ((hash / HIGH_WORD) | 0), MIXER)
    return mixed ^ (mixed >>> 16)
  }
}
