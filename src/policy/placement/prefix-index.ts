import { BlockTable, NO_BLOCK } from './block-table.ts'

/** Blocks of one prompt that are looked at; what comes behind counts as unknown. */
export const MAX_PROMPT_BLOCKS = 65_535
export const MAX_REPLICAS = 1_024
/** Blocks that are remembered over all replicas, where nothing else is said: about 150 MB with a hundred replicas. */
const DEFAULT_MAX_BLOCKS = 2_097_152
/** Of one replica, until its own capacity is known. Two million tokens in blocks of 64. */
const DEFAULT_REPLICA_BLOCKS = 31_250
const INITIAL_ENTRIES = 1_024
/** When all entries are taken, so many at a time are taken from a replica that has most. */
const RECLAIMED = 64
/** No entry: entries are known by where their first word lies, and the first of all is left out. */
const NONE = 0
/**
 * Words of an entry: its neighbours in the order of use, the block before it in the prompt, its neighbours among the
 * entries of its block, its block and its replica; one is left over.
 */
const ENTRY = { newer: 0, older: 1, before: 2, nextHolder: 3, lastHolder: 4, block: 5, replica: 6, words: 8 } as const
const WORD_BITS = 32
/** Sets that a search has open at once: one for each halving of the longest prompt, and the first. */
const OPEN_SETS = 18

export interface PrefixIndexOptions {
  /** Replicas are told apart by numbers from 0 to below it, at most 1,024. */
  readonly slots: number
  /** Blocks over all replicas, each counted once for every replica that has it. */
  readonly maxBlocks?: number
  /** Of a replica whose capacity nobody has set. */
  readonly replicaBlocks?: number
  /** As `BlockTable` has it. */
  readonly seed?: number
}

/**
 * Remembers which replica probably has which beginnings of prompts in its KV cache, from what was sent there. It never
 * claims what it was not told; what an engine has thrown away earlier than foreseen, it claims in vain.
 *
 * Each replica's blocks are forgotten as an engine evicts them: the least recently used first, of a prompt its end before
 * its beginning. Whenever a block is used, all before it are used after it, so a block is always older than the one it
 * follows and goes before it: what is left are whole beginnings. Hence the replicas that have a prompt's block are
 * among those that have the one before it, and halving finds the longest beginnings of all replicas together.
 *
 * Hashes are chained (`PromptBlocks`); where two chains collide, a claim may be wrong, and nothing else breaks.
 */
export class PrefixIndex {
  readonly #table: BlockTable
  /** By block, one word more than `#words`: its first entry, then the set of replicas that have it. */
  #rows: Int32Array
  /** Words of 32 replicas each that a set has. */
  #words = 1
  /** An entry is one block at one replica, all of it in one line of the processor's cache: misses are what this costs. */
  #entries = new Int32Array(INITIAL_ENTRIES * ENTRY.words)
  /** The first entry that was given back, the others behind it by `older`; and where the next new one begins. */
  #freed = NONE
  #used: number = ENTRY.words
  #total = 0
  readonly #maxBlocks: number
  readonly #newest: Int32Array
  readonly #oldest: Int32Array
  readonly #held: Int32Array
  readonly #capacity: Int32Array
  #sets = new Int32Array(OPEN_SETS)

  /** @throws RangeError for more than 1,024 slots */
  constructor({
    slots,
    maxBlocks = DEFAULT_MAX_BLOCKS,
    replicaBlocks = DEFAULT_REPLICA_BLOCKS,
    seed = 0,
  }: PrefixIndexOptions) {
    this.#table = new BlockTable(seed)
    if (!(slots >= 1 && slots <= MAX_REPLICAS)) throw new RangeError(`slots are 1 to ${MAX_REPLICAS}, not ${slots}`)
    this.#maxBlocks = maxBlocks
    this.#rows = new Int32Array(this.#table.capacity * (1 + this.#words))
    this.#newest = new Int32Array(slots)
    this.#oldest = new Int32Array(slots)
    this.#held = new Int32Array(slots)
    this.#capacity = new Int32Array(slots).fill(Math.min(replicaBlocks, maxBlocks))
  }

  /** Blocks that are remembered of a replica. */
  held(replica: number): number {
    return this.#held[replica]!
  }

  /** Blocks that are remembered over all replicas. */
  get total(): number {
    return this.#total
  }

  /**
   * The longest known beginning of a prompt at each replica.
   *
   * @param into takes blocks by replica; at least as long as there are slots
   */
  match(hashes: Float64Array, into: Uint16Array | Int32Array): void {
    into.fill(0)
    const length = Math.min(hashes.length, MAX_PROMPT_BLOCKS)
    const first = length === 0 ? NO_BLOCK : this.#table.find(hashes[0]!)
    if (first === NO_BLOCK) return
    const words = this.#words
    const row = this.#rowOf(first)
    for (let w = 0; w < words; w++) this.#sets[w] = this.#rows[row + 1 + w]!
    this.#narrow({ hashes, into }, { known: 1, most: length, probe: length, set: 0 })
  }

  /** A replica has the first blocks of a prompt in its cache from now on, or uses them again. */
  learn(replica: number, hashes: Float64Array, blocks: number): void {
    const wanted = Math.min(blocks, hashes.length, MAX_PROMPT_BLOCKS, this.#capacity[replica]!)
    if (wanted <= 0) return
    this.#widen(replica)
    const known = this.#knownOf(replica, hashes, wanted)
    let entry = known === 0 ? NONE : this.#entryOf(replica, this.#table.find(hashes[known - 1]!))
    const kept = this.#touch(entry)
    const until = known + this.#makeRoom(replica, wanted - known, kept)
    for (let i = known; i < until; i++) {
      const added = this.#add(replica, hashes[i]!, entry)
      if (added === NONE) return
      entry = added
    }
  }

  /** Nothing of it is in its cache any more: it was started anew, or another has taken its place. */
  forget(replica: number): void {
    this.shrink(replica, 0)
  }

  /** Forgets the least recently used blocks of a replica until so many are left. */
  shrink(replica: number, blocks: number): void {
    while (this.#held[replica]! > blocks) this.#evict(replica)
  }

  /** Its cache holds so many blocks at most. */
  setCapacity(replica: number, blocks: number): void {
    this.#capacity[replica] = Math.max(0, Math.min(Math.floor(blocks), this.#maxBlocks))
    this.shrink(replica, this.#capacity[replica]!)
  }

  /** Writes what each replica of a set has, all of which have `known` blocks and none more than `most`. */
  #narrow(
    prompt: { readonly hashes: Float64Array; readonly into: Uint16Array | Int32Array },
    range: { readonly known: number; most: number; probe: number; readonly set: number },
  ): void {
    const { known, set } = range
    while (known < range.most) {
      const block = this.#table.find(prompt.hashes[range.probe - 1]!)
      if (block !== NO_BLOCK && this.#split(block, set)) {
        const { most, probe } = range
        this.#narrow(prompt, { known: probe, most, probe: (probe + most + 1) >> 1, set: set + 1 })
        if (this.#isEmpty(set)) return
      }
      range.most = range.probe - 1
      range.probe = (known + range.most + 1) >> 1
    }
    this.#write(prompt.into, known, set)
  }

  /**
   * Takes those that have a block out of a set and makes them the next one.
   *
   * @returns whether there are any
   */
  #split(block: number, set: number): boolean {
    const sets = this.#sets
    const words = this.#words
    const row = this.#rowOf(block)
    let any = 0
    for (let w = 0; w < words; w++) {
      const all = sets[set * words + w]!
      const having = all & this.#rows[row + 1 + w]!
      sets[(set + 1) * words + w] = having
      sets[set * words + w] = all & ~having
      any |= having
    }
    return any !== 0
  }

  #isEmpty(set: number): boolean {
    for (let w = 0; w < this.#words; w++) if (this.#sets[set * this.#words + w] !== 0) return false
    return true
  }

  #write(into: Uint16Array | Int32Array, known: number, set: number): void {
    for (let w = 0; w < this.#words; w++) {
      for (let left = this.#sets[set * this.#words + w]!; left !== 0; left &= left - 1) {
        into[w * WORD_BITS + (WORD_BITS - 1 - Math.clz32(left & -left))] = known
      }
    }
  }

  #has(replica: number, hash: number): boolean {
    const block = this.#table.find(hash)
    return block !== NO_BLOCK && (this.#rows[this.#wordOf(block, replica)]! & (1 << replica)) !== 0
  }

  #rowOf(block: number): number {
    return block * (1 + this.#words)
  }

  #wordOf(block: number, replica: number): number {
    return this.#rowOf(block) + 1 + (replica >> 5)
  }

  /** As `match` says of one replica: from the end, since most prompts go on with what is known. */
  #knownOf(replica: number, hashes: Float64Array, wanted: number): number {
    let known = 0
    let most = wanted
    let probe = wanted
    while (known < most) {
      if (this.#has(replica, hashes[probe - 1]!)) known = probe
      else most = probe - 1
      probe = (known + most + 1) >> 1
    }
    return known
  }

  #entryOf(replica: number, block: number): number {
    const entries = this.#entries
    let entry = this.#rows[this.#rowOf(block)]!
    while (entry !== NONE && entries[entry + ENTRY.replica] !== replica) entry = entries[entry + ENTRY.nextHolder]!
    return entry
  }

  /**
   * Makes a block and all before it the most recently used, the first of them last.
   *
   * @returns how many they are
   */
  #touch(entry: number): number {
    const entries = this.#entries
    let touched = 0
    for (let each = entry; each !== NONE; each = entries[each + ENTRY.before]!) {
      touched++
      if (entries[each + ENTRY.newer] === NONE) continue
      this.#unlink(each)
      this.#link(each, NONE)
    }
    return touched
  }

  /**
   * Evicts until there is room for so many blocks, of its own replica none of the `kept` most recently used.
   *
   * @returns for how many there is room
   */
  #makeRoom(replica: number, needed: number, kept: number): number {
    this.shrink(replica, Math.max(kept, this.#capacity[replica]! - needed))
    while (this.#maxBlocks - this.#total < needed) {
      const fullest = this.#fullestBut(replica)
      const spare = this.#held[replica]! - kept
      const ofOthers = fullest < 0 ? 0 : this.#held[fullest]!
      if (spare <= 0 && ofOthers === 0) break
      const isOwn = spare > 0 && this.#held[replica]! >= ofOthers
      const from = isOwn ? replica : fullest
      this.shrink(from, Math.max(isOwn ? kept : 0, this.#held[from]! - Math.min(RECLAIMED, needed)))
    }
    return Math.min(needed, this.#maxBlocks - this.#total, this.#capacity[replica]! - this.#held[replica]!)
  }

  #fullestBut(replica: number): number {
    let fullest = -1
    for (let i = 0; i < this.#held.length; i++) {
      if (i !== replica && (fullest < 0 || this.#held[i]! > this.#held[fullest]!)) fullest = i
    }
    return fullest
  }

  /** @returns the entry of a block that follows another, or `NONE` where another chain has it already */
  #add(replica: number, hash: number, before: number): number {
    let block = this.#table.find(hash)
    if (block === NO_BLOCK) {
      block = this.#table.add(hash)
      this.#fitBlocks()
      this.#rows.fill(0, this.#rowOf(block), this.#rowOf(block + 1))
    }
    const word = this.#wordOf(block, replica)
    if ((this.#rows[word]! & (1 << replica)) !== 0) return NONE
    this.#rows[word]! |= 1 << replica
    const entry = this.#newEntry()
    const entries = this.#entries
    const first = this.#rows[this.#rowOf(block)]!
    this.#rows[this.#rowOf(block)] = entry
    entries[entry + ENTRY.nextHolder] = first
    entries[entry + ENTRY.lastHolder] = NONE
    if (first !== NONE) entries[first + ENTRY.lastHolder] = entry
    entries[entry + ENTRY.block] = block
    entries[entry + ENTRY.replica] = replica
    entries[entry + ENTRY.before] = before
    this.#link(entry, before)
    this.#held[replica]!++
    this.#total++
    return entry
  }

  /** Forgets the least recently used block of a replica. */
  #evict(replica: number): void {
    const entries = this.#entries
    const entry = this.#oldest[replica]!
    const block = entries[entry + ENTRY.block]!
    this.#unlink(entry)
    const last = entries[entry + ENTRY.lastHolder]!
    const next = entries[entry + ENTRY.nextHolder]!
    if (next !== NONE) entries[next + ENTRY.lastHolder] = last
    if (last !== NONE) entries[last + ENTRY.nextHolder] = next
    else this.#rows[this.#rowOf(block)] = next
    this.#rows[this.#wordOf(block, replica)]! &= ~(1 << replica)
    if (this.#rows[this.#rowOf(block)] === NONE) this.#table.delete(block)
    entries[entry + ENTRY.older] = this.#freed
    this.#freed = entry
    this.#held[replica]!--
    this.#total--
  }

  /** Puts an entry into the order of use of its replica: right after another one, or first. */
  #link(entry: number, newer: number): void {
    const entries = this.#entries
    const replica = entries[entry + ENTRY.replica]!
    const older = newer === NONE ? this.#newest[replica]! : entries[newer + ENTRY.older]!
    entries[entry + ENTRY.newer] = newer
    entries[entry + ENTRY.older] = older
    if (newer === NONE) this.#newest[replica] = entry
    else entries[newer + ENTRY.older] = entry
    if (older === NONE) this.#oldest[replica] = entry
    else entries[older + ENTRY.newer] = entry
  }

  #unlink(entry: number): void {
    const entries = this.#entries
    const replica = entries[entry + ENTRY.replica]!
    const newer = entries[entry + ENTRY.newer]!
    const older = entries[entry + ENTRY.older]!
    if (newer === NONE) this.#newest[replica] = older
    else entries[newer + ENTRY.older] = older
    if (older === NONE) this.#oldest[replica] = newer
    else entries[older + ENTRY.newer] = newer
  }

  #newEntry(): number {
    const freed = this.#freed
    if (freed !== NONE) {
      this.#freed = this.#entries[freed + ENTRY.older]!
      return freed
    }
    if (this.#used === this.#entries.length) this.#entries = longer(this.#entries, 2 * this.#used)
    const entry = this.#used
    this.#used += ENTRY.words
    return entry
  }

  #fitBlocks(): void {
    const words = this.#rowOf(this.#table.capacity)
    if (this.#rows.length < words) this.#rows = longer(this.#rows, words)
  }

  /** Makes the sets wide enough for a replica. Fleets are smaller than what their slots allow, and a set costs memory. */
  #widen(replica: number): void {
    const words = (replica >> 5) + 1
    const had = this.#words
    if (words <= had) return
    const rows = new Int32Array(this.#table.capacity * (1 + words))
    for (let block = 0; block < this.#table.capacity; block++) {
      for (let w = 0; w <= had; w++) rows[block * (1 + words) + w] = this.#rows[block * (1 + had) + w]!
    }
    this.#rows = rows
    this.#words = words
    this.#sets = new Int32Array(OPEN_SETS * words)
  }
}

function longer(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(length)
  longer.set(array)
  return longer
}
