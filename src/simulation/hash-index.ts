/** Marks an empty place; block 0 is vLLM's null block and is never in the index. */
const EMPTY = 0
const INITIAL_PLACES = 1024

/**
 * From hashes of blocks to block numbers: open addressing with linear probing in two flat arrays, at most half full.
 * A `Map` with keys beyond 31 bits boxes each of them; this one allocates only when it grows.
 */
export class HashIndex {
  #keys = new Float64Array(INITIAL_PLACES)
  #values = new Int32Array(INITIAL_PLACES)
  #mask = INITIAL_PLACES - 1
  size = 0

  /** @returns 0 when the hash is not there */
  get(hash: number): number {
    const keys = this.#keys
    const values = this.#values
    const mask = this.#mask
    for (let place = placeOf(hash, mask); ; place = (place + 1) & mask) {
      const value = values[place]!
      if (value === EMPTY || keys[place] === hash) return value
    }
  }

  /** @param block 1 or more */
  set(hash: number, block: number): void {
    const mask = this.#mask
    let place = placeOf(hash, mask)
    while (this.#values[place] !== EMPTY && this.#keys[place] !== hash) place = (place + 1) & mask
    if (this.#values[place] === EMPTY) this.size++
    this.#keys[place] = hash
    this.#values[place] = block
    if (this.size * 2 > mask) this.#grow()
  }

  delete(hash: number): void {
    const keys = this.#keys
    const values = this.#values
    const mask = this.#mask
    let hole = placeOf(hash, mask)
    while (keys[hole] !== hash || values[hole] === EMPTY) {
      if (values[hole] === EMPTY) return
      hole = (hole + 1) & mask
    }
    this.size--
    // Those behind the hole move up, unless that would take them before the place where their search begins.
    for (let place = (hole + 1) & mask; values[place] !== EMPTY; place = (place + 1) & mask) {
      const home = placeOf(keys[place]!, mask)
      if (((place - home) & mask) < ((place - hole) & mask)) continue
      keys[hole] = keys[place]!
      values[hole] = values[place]!
      hole = place
    }
    values[hole] = EMPTY
  }

  #grow(): void {
    const keys = this.#keys
    const values = this.#values
    this.#keys = new Float64Array(keys.length * 2)
    this.#values = new Int32Array(keys.length * 2)
    this.#mask = this.#keys.length - 1
    this.size = 0
    for (let place = 0; place < keys.length; place++) {
      if (values[place] !== EMPTY) this.set(keys[place]!, values[place]!)
    }
  }
}

/** The low words of the hashes are well mixed but odd, hence the shift. */
function placeOf(hash: number, mask: number): number {
  return (hash >>> 1) & mask
}
