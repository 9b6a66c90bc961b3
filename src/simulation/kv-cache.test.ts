import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlockHasher } from './block-hash.ts'
import { HashIndex } from './hash-index.ts'
import { KvCache, type Lease, newLease } from './kv-cache.ts'

const BLOCK = 4

/** A sequence of blocks, each named by its content; equal beginnings have equal hashes. */
function hashesOf(contents: readonly number[]) {
  const hasher = new BlockHasher(BLOCK)
  for (const content of contents) hasher.pushBlock(content)
  return hasher.hashes()
}

/** The same cache written down as plainly as can be: a list of free blocks and a list of what each remembers. */
class NaiveCache {
  readonly free: number[]
  readonly memory = new Map<number, string>()
  readonly users = new Map<number, number>()

  constructor(blocks: number) {
    this.free = Array.from({ length: blocks - 1 }, (_, i) => i + 1)
  }

  match(keys: readonly string[], tokens: number): number[] {
    const found: number[] = []
    for (const key of keys.slice(0, Math.floor((tokens - 1) / BLOCK))) {
      const block = [...this.memory].find(([, known]) => known === key)?.[0]
      if (block === undefined) break
      found.push(block)
    }
    return found
  }

  take(matched: readonly number[], more: number): number[] | null {
    const fromFree = matched.filter(block => !this.users.get(block)).length
    if (more + fromFree > this.free.length) return null
    for (const block of matched) {
      this.users.set(block, (this.users.get(block) ?? 0) + 1)
      if (this.free.includes(block)) this.free.splice(this.free.indexOf(block), 1)
    }
    const fresh = this.free.splice(0, more)
    for (const block of fresh) {
      this.memory.delete(block)
      this.users.set(block, 1)
    }
    return [...matched, ...fresh]
  }

  release(blocks: readonly number[]): void {
    for (const block of blocks.toReversed()) {
      const left = this.users.get(block)! - 1
      this.users.set(block, left)
      if (left === 0) this.free.push(block)
    }
  }
}

interface Held {
  readonly lease: Lease
  readonly naive: number[]
}

describe('the prefix cache', () => {
  it('finds, lends, evicts and frees like the plainest model of it', () => {
    const contents = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 6 })
    const begin = fc.record({ kind: fc.constant('begin' as const), contents, extra: fc.integer({ min: 0, max: 3 }) })
    const finish = fc.record({ kind: fc.constant('finish' as const), which: fc.nat() })
    const seen = { hits: 0, refusals: 0, evictions: 0 }
    fc.assert(
      fc.property(
        fc.array(fc.oneof(begin, finish), { maxLength: 60 }),
        fc.integer({ min: 4, max: 16 }),
        (acts, blocks) => {
          const cache = new KvCache(blocks, BLOCK)
          const naive = new NaiveCache(blocks)
          const held: Held[] = []
          for (const act of acts) {
            if (act.kind === 'finish') {
              const [ended] = held.splice(act.which % Math.max(1, held.length), 1)
              if (ended === undefined) continue
              cache.release(ended.lease)
              naive.release(ended.naive)
            } else {
              const tokens = act.contents.length * BLOCK + act.extra
              const keys = act.contents.map((_, i) => act.contents.slice(0, i + 1).join())
              const lease = newLease(hashesOf(act.contents))
              const matched = cache.match(lease, tokens)
              const expected = naive.match(keys, tokens)
              expect(matched).toBe(expected.length)
              seen.hits += matched
              const more = cache.blocksFor(tokens) - matched
              const fits = more + cache.freeAmong(lease, matched) <= cache.free
              const before = naive.memory.size
              const taken = naive.take(expected, more)
              expect(fits).toBe(taken !== null)
              if (taken === null) {
                seen.refusals++
                continue
              }
              if (naive.memory.size < before) seen.evictions++
              cache.share(lease, matched)
              expect(cache.extend(lease, cache.blocksFor(tokens))).toBe(true)
              cache.index(lease, tokens)
              for (const [i, key] of keys.entries()) naive.memory.set(taken[i]!, key)
              held.push({ lease, naive: taken })
            }
            expect(cache.free).toBe(naive.free.length)
          }
        },
      ),
      { numRuns: 400 },
    )
    // Every kind of thing happened, or the law would say nothing.
    expect(Math.min(seen.hits, seen.refusals, seen.evictions)).toBeGreaterThan(50)
  })

  it('never hits the last token of a prompt', () => {
    const cache = new KvCache(100, BLOCK)
    const first = newLease(hashesOf([1, 2, 3]))
    cache.extend(first, 3)
    cache.index(first, 12)
    expect(cache.match(newLease(hashesOf([1, 2, 3])), 12)).toBe(2)
    expect(cache.match(newLease(hashesOf([1, 2, 3])), 13)).toBe(3)
  })

  it('keeps beginnings longest, since a sequence is freed from its tail', () => {
    const cache = new KvCache(5, BLOCK)
    const first = newLease(hashesOf([1, 2, 3, 4]))
    cache.extend(first, 4)
    cache.index(first, 16)
    cache.release(first)
    const other = newLease(hashesOf([9, 9]))
    cache.extend(other, 2)
    expect(cache.match(newLease(hashesOf([1, 2, 3, 4])), 100)).toBe(2)
  })

  it('never lends the null block, and lends every other once', () => {
    const cache = new KvCache(10, BLOCK)
    const lease = newLease(hashesOf([]))
    expect(cache.extend(lease, 10)).toBe(false)
    expect(cache.extend(lease, 9)).toBe(true)
    expect([...lease.blocks.subarray(0, 9)].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect([cache.free, cache.use]).toEqual([0, 1])
  })

  it('without bound forgets nothing, and uses blocks again that remember nothing', () => {
    const cache = new KvCache(Number.POSITIVE_INFINITY, BLOCK)
    for (let i = 0; i < 5000; i++) {
      const lease = newLease(hashesOf([i]))
      cache.extend(lease, 3)
      cache.index(lease, 12)
      if (i > 0) expect(lease.blocks[2]).toBeLessThan(2 + i + 3)
      cache.release(lease)
    }
    expect(cache.match(newLease(hashesOf([0])), 5)).toBe(1)
  })
})

describe('the index of hashes', () => {
  it('is a map, though low words are alike and places are crowded', () => {
    // The low word has few values, so that they stand in each other's way; the high word tells them apart.
    const hash = fc
      .tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 12 }))
      .map(([high, low]) => high * 2 ** 32 + low * 4096 + 1)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('add', 'delete', 'replace'), hash), { maxLength: 1500, size: 'max' }),
        acts => {
          const index = new HashIndex()
          const map = new Map<number, number>()
          const hashes = new Float64Array(2000)
          let block = 1
          for (const [kind, key] of acts) {
            const there = map.get(key)
            if (there === undefined) {
              hashes[block] = key
              index.add(key, block)
              map.set(key, block++)
            } else if (kind === 'delete') {
              index.delete(key, there)
              map.delete(key)
            } else if (kind === 'replace') {
              hashes[block] = key
              index.replace(key, there, block)
              map.set(key, block++)
            }
            expect(index.size).toBe(map.size)
            expect(index.get(key, hashes)).toBe(map.get(key) ?? 0)
          }
          for (const [key, known] of map) expect(index.get(key, hashes)).toBe(known)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('grows', () => {
    const index = new HashIndex()
    const hashes = new Float64Array(10_001).map((_, i) => i * 12_345_678_901)
    for (let i = 1; i <= 10_000; i++) index.add(hashes[i]!, i)
    for (let i = 1; i <= 10_000; i++) expect(index.get(hashes[i]!, hashes)).toBe(i)
  })
})
