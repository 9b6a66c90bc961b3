import type { BlockHashes } from './block-hash.ts'
import { HashIndex } from './hash-index.ts'

/** vLLM's null block. It is never lent, and here it is also both ends of the free queue. */
const NULL_BLOCK = 0
const NO_HASH = 0
const INITIAL_CAPACITY = 1024

/** The blocks that one sequence holds, in the order of its tokens. */
export interface Lease {
  /** Hashes of the sequence's full blocks as far as they are known; blocks beyond are never found again. */
  readonly hashes: BlockHashes
  blocks: Int32Array
  /** How many of `blocks` are held. */
  held: number
  /** How many of the held blocks are in the index under their hash, or have none. */
  indexed: number
}

export function newLease(hashes: BlockHashes): Lease {
  return { hashes, blocks: new Int32Array(hashes.length + 4), held: 0, indexed: 0 }
}

/**
 * Paged KV cache with prefix cache, as vLLM v1 keeps it: blocks are reference-counted; free ones stand in a queue, the
 * least recently used first, and keep what they hold until they are lent anew; a sequence's blocks are freed from its
 * tail, so that beginnings live longest; equal blocks are not merged.
 *
 * Source: vllm/v1/core/block_pool.py and kv_cache_manager.py, as described in the notes on scheduling.
 */
export class KvCache {
  readonly blockTokens: number
  /** Blocks that can be lent; Infinity for a cache without bound. */
  readonly capacity: number
  /** Blocks that no sequence holds, what they remember included. */
  free: number
  readonly #bounded: boolean
  #made = 1
  #references: Int32Array
  #hashes: Float64Array
  #older: Int32Array
  #newer: Int32Array
  /** Blocks with the same hash form a ring of their own behind the one in the index. */
  #nextEqual: Int32Array
  #previousEqual: Int32Array
  readonly #index = new HashIndex()

  /** @param blocks with the null block, as vLLM counts them; Infinity for a cache without bound */
  constructor(blocks: number, blockTokens: number) {
    if (!(blocks >= 2)) throw new RangeError('a KV cache needs at least two blocks, one of them the null block')
    this.blockTokens = blockTokens
    this.capacity = blocks - 1
    this.free = this.capacity
    this.#bounded = Number.isFinite(blocks)
    const size = Math.min(blocks, INITIAL_CAPACITY)
    this.#references = new Int32Array(size)
    this.#hashes = new Float64Array(size)
    this.#older = new Int32Array(size)
    this.#newer = new Int32Array(size)
    this.#nextEqual = new Int32Array(size)
    this.#previousEqual = new Int32Array(size)
  }

  /** Share of the blocks that are held, 0 to 1; 0 for a cache without bound. */
  get use(): number {
    return this.#bounded ? 1 - this.free / this.capacity : 0
  }

  blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.blockTokens)
  }

  /**
   * Finds the leading blocks of a sequence that are in the cache, for `share` before anything else changes.
   *
   * @param lease of a sequence that holds nothing
   * @param tokens of the sequence: at most all but the last can be a hit, since the last one's logits must be computed
   * @returns how many blocks were found
   */
  match(lease: Lease, tokens: number): number {
    const { hashes } = lease
    const most = Math.min(hashes.length, Math.floor((tokens - 1) / this.blockTokens))
    this.#makeRoom(lease, most)
    let found = 0
    for (; found < most; found++) {
      const block = this.#index.get(hashes[found]!, this.#hashes)
      if (block === NULL_BLOCK) break
      lease.blocks[found] = block
    }
    return found
  }

  /** How many of the matched blocks are free: lending them takes from the free ones, though nothing is computed. */
  freeAmong(lease: Lease, matched: number): number {
    let free = 0
    for (let i = 0; i < matched; i++) if (this.#references[lease.blocks[i]!] === 0) free++
    return free
  }

  /** Lends the blocks that `match` has found. */
  share(lease: Lease, matched: number): void {
    for (let i = 0; i < matched; i++) {
      const block = lease.blocks[i]!
      if (this.#references[block]!++ === 0) this.#unqueue(block)
    }
    lease.held = matched
    lease.indexed = matched
  }

  /** Lends blocks until the lease holds `blocks`. @returns false, with nothing changed, when too few are free */
  extend(lease: Lease, blocks: number): boolean {
    const wanted = blocks - lease.held
    if (wanted <= 0) return true
    if (wanted > this.free) return false
    this.#makeRoom(lease, blocks)
    for (let i = 0; i < wanted; i++) lease.blocks[lease.held++] = this.#take()
    return true
  }

  /** Makes the lease's full blocks up to this many tokens findable. */
  index(lease: Lease, tokens: number): void {
    const full = Math.min(Math.floor(tokens / this.blockTokens), lease.hashes.length)
    for (; lease.indexed < full; lease.indexed++) {
      this.#enter(lease.blocks[lease.indexed]!, lease.hashes[lease.indexed]!)
    }
  }

  /** Gives all blocks back, the last one first. */
  release(lease: Lease): void {
    for (let i = lease.held - 1; i >= 0; i--) {
      const block = lease.blocks[i]!
      if (--this.#references[block]! === 0) this.#enqueue(block)
    }
    lease.held = 0
    lease.indexed = 0
  }

  #take(): number {
    const oldest = this.#newer[NULL_BLOCK]!
    // Blocks that were never lent stand before all others in vLLM's queue. One without bound forgets nothing, but what
    // remembers nothing is used again.
    const reusable = oldest !== NULL_BLOCK && !this.#bounded && this.#hashes[oldest] === NO_HASH
    if (this.#made <= this.capacity && !reusable) return this.#make()
    this.#unqueue(oldest)
    this.#forget(oldest)
    this.#references[oldest] = 1
    return oldest
  }

  #make(): number {
    if (this.#made === this.#references.length) this.#enlarge()
    const block = this.#made++
    this.#references[block] = 1
    this.free--
    return block
  }

  #enqueue(block: number): void {
    const first = !this.#bounded && this.#hashes[block] === NO_HASH
    const older = first ? NULL_BLOCK : this.#older[NULL_BLOCK]!
    const newer = first ? this.#newer[NULL_BLOCK]! : NULL_BLOCK
    this.#newer[older] = block
    this.#older[block] = older
    this.#newer[block] = newer
    this.#older[newer] = block
    this.free++
  }

  #unqueue(block: number): void {
    const older = this.#older[block]!
    const newer = this.#newer[block]!
    this.#newer[older] = newer
    this.#older[newer] = older
    this.free--
  }

  #enter(block: number, hash: number): void {
    const first = this.#index.get(hash, this.#hashes)
    this.#hashes[block] = hash
    if (first === NULL_BLOCK) {
      this.#index.add(hash, block)
      this.#nextEqual[block] = block
      this.#previousEqual[block] = block
      return
    }
    const last = this.#previousEqual[first]!
    this.#nextEqual[last] = block
    this.#previousEqual[block] = last
    this.#nextEqual[block] = first
    this.#previousEqual[first] = block
  }

  #forget(block: number): void {
    const hash = this.#hashes[block]!
    if (hash === NO_HASH) return
    const next = this.#nextEqual[block]!
    if (next === block) this.#index.delete(hash, block)
    else this.#leaveRing(block, next, hash)
    this.#hashes[block] = NO_HASH
  }

  #leaveRing(block: number, next: number, hash: number): void {
    const previous = this.#previousEqual[block]!
    this.#nextEqual[previous] = next
    this.#previousEqual[next] = previous
    if (this.#index.get(hash, this.#hashes) === block) this.#index.replace(hash, block, next)
  }

  #makeRoom(lease: Lease, blocks: number): void {
    if (blocks <= lease.blocks.length) return
    const larger = new Int32Array(Math.max(blocks, lease.blocks.length * 2))
    larger.set(lease.blocks.subarray(0, lease.held))
    lease.blocks = larger
  }

  #enlarge(): void {
    const size = Math.min(this.#references.length * 2, this.capacity + 1)
    const larger = (from: Int32Array) => {
      const to = new Int32Array(size)
      to.set(from)
      return to
    }
    const hashes = new Float64Array(size)
    hashes.set(this.#hashes)
    this.#hashes = hashes
    this.#references = larger(this.#references)
    this.#older = larger(this.#older)
    this.#newer = larger(this.#newer)
    this.#nextEqual = larger(this.#nextEqual)
    this.#previousEqual = larger(this.#previousEqual)
  }
}
