import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PrefixIndex } from './prefix-index.ts'
import { chained } from './prompts.fixture.ts'

/** Says the same by looking at every block of every replica: its prefixes, the most recently used first. */
class NaiveIndex {
  readonly #known: number[][]
  readonly #capacity: number[]

  constructor(slots: number, capacity: number) {
    this.#known = Array.from({ length: slots }, () => [])
    this.#capacity = Array.from({ length: slots }, () => capacity)
  }

  match(hashes: Float64Array): number[] {
    return this.#known.map(known => {
      const end = hashes.findIndex(hash => !known.includes(hash))
      return end < 0 ? hashes.length : end
    })
  }

  learn(replica: number, hashes: Float64Array, blocks: number): void {
    const used = [...hashes.subarray(0, Math.min(blocks, this.#capacity[replica]!))]
    const others = this.#known[replica]!.filter(hash => !used.includes(hash))
    this.#known[replica] = [...used, ...others].slice(0, this.#capacity[replica])
  }

  shrink(replica: number, blocks: number): void {
    this.#known[replica]!.splice(blocks)
  }

  setCapacity(replica: number, blocks: number): void {
    this.#capacity[replica] = blocks
    this.shrink(replica, blocks)
  }

  held(replica: number): number {
    return this.#known[replica]!.length
  }
}

/** Few texts, so that prompts often begin alike. */
const prompt = fc.array(fc.nat(2), { maxLength: 12 }).map(chained)
const replica = fc.nat(39)
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ is: fc.constant('learn' as const), replica, prompt, blocks: fc.nat(14) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('forget' as const), replica }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('shrink' as const), replica, blocks: fc.nat(10) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('capacity' as const), replica, blocks: fc.nat(20) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function apply(index: PrefixIndex | NaiveIndex, step: Step): void {
  if (step.is === 'learn') index.learn(step.replica, step.prompt, step.blocks)
  else if (step.is === 'forget') index.shrink(step.replica, 0)
  else if (step.is === 'shrink') index.shrink(step.replica, step.blocks)
  else index.setCapacity(step.replica, step.blocks)
}

function matches(index: PrefixIndex, hashes: Float64Array, slots: number): number[] {
  const into = new Uint16Array(slots)
  index.match(hashes, into)
  return [...into]
}

describe('the prefix index', () => {
  it('says of every replica exactly what one says that looks at all of its blocks, whatever was learnt and forgotten', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 10, maxLength: 60 }),
        fc.array(prompt, { minLength: 1, maxLength: 6 }),
        (steps, asked) => {
          const index = new PrefixIndex({ slots: 40, replicaBlocks: 15 })
          const naive = new NaiveIndex(40, 15)
          for (const step of steps) {
            // Steps are played at few replicas too, so that some have much to forget.
            for (const each of [step, { ...step, replica: 35 + (step.replica % 2) }]) {
              apply(index, each)
              apply(naive, each)
              expect(index.held(each.replica)).toBe(naive.held(each.replica))
            }
            for (const hashes of asked) expect(matches(index, hashes, 40)).toEqual(naive.match(hashes))
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('never claims what it was not told of, nor grows beyond its bounds, when all replicas together have more than it remembers', () => {
    let evictions = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 30, maxLength: 80 }), step => {
        const index = new PrefixIndex({ slots: 40, replicaBlocks: 15, maxBlocks: 23 })
        const told = Array.from({ length: 40 }, () => new Set<number>())
        for (const each of step) {
          apply(index, each)
          if (each.is === 'learn')
            for (const hash of each.prompt.subarray(0, each.blocks)) told[each.replica]!.add(hash)
          else if (each.is === 'forget') told[each.replica]!.clear()
          expect(index.total).toBeLessThanOrEqual(23)
          if (told.reduce((sum, { size }) => sum + size, 0) > 23) evictions++
          if (each.is !== 'learn') continue
          const untold = matches(index, each.prompt, 40).flatMap((blocks, at) =>
            [...each.prompt.subarray(0, blocks)].filter(hash => !told[at]!.has(hash)),
          )
          expect(untold).toEqual([])
        }
      }),
      { numRuns: 60 },
    )
    expect(evictions).toBeGreaterThan(100)
  })

  it('survives hashes that are no chains', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2), fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 8 })), { maxLength: 60 }),
        learnt => {
          const index = new PrefixIndex({ slots: 3, replicaBlocks: 5, maxBlocks: 8 })
          for (const [replica, hashes] of learnt) {
            index.learn(replica, Float64Array.from(hashes), hashes.length)
            matches(index, Float64Array.from(hashes), 3)
            expect(index.held(replica)).toBeLessThanOrEqual(5)
          }
          for (const replica of [0, 1, 2]) index.forget(replica)
          expect(index.total).toBe(0)
        },
      ),
    )
  })

  it('keeps beginnings longest: of two prompts that begin alike, what they share outlives what each has of its own', () => {
    const index = new PrefixIndex({ slots: 1, replicaBlocks: 8 })
    const one = chained([0, 0, 1, 1, 1])
    const other = chained([0, 0, 2, 2, 2])
    index.learn(0, one, 5)
    index.learn(0, other, 5)
    index.shrink(0, 3)
    expect(matches(index, one, 1)).toEqual([2])
    expect(matches(index, other, 1)).toEqual([3])
  })

  it('takes room from the replica that has most when there is none left', () => {
    const index = new PrefixIndex({ slots: 3, maxBlocks: 100 })
    index.learn(0, chained(Array(80).fill(1)), 80)
    index.learn(1, chained(Array(20).fill(2)), 20)
    index.learn(2, chained(Array(30).fill(3)), 30)
    expect([0, 1, 2].map(replica => index.held(replica))).toEqual([50, 20, 30])
  })

  it('knows replicas of many slots and prompts of many blocks apart', () => {
    const index = new PrefixIndex({ slots: 1_024 })
    const long = chained(Array.from({ length: 1_500 }, (_, i) => i))
    for (let replica = 0; replica < 1_024; replica++) index.learn(replica, long, 1 + ((replica * 7) % 1_500))
    const expected = Array.from({ length: 1_024 }, (_, replica) => 1 + ((replica * 7) % 1_500))
    expect(matches(index, long, 1_024)).toEqual(expected)
  })

  it('refuses more slots than it can tell apart', () => {
    expect(() => new PrefixIndex({ slots: 1_025 })).toThrow('slots are 1 to 1024, not 1025')
  })
})
