import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_TIERS } from '../../vocabulary/tier.ts'
import { FairQueue } from './fair-queue.ts'
import { entryOf, POOL, type TestEntry, termsOf } from './queue.fixture.ts'

interface Rival {
  readonly tenant: string
  readonly tier: string
}

const TENANTS = ['a', 'b', 'c', 'd']
const TIERS = DEFAULT_TIERS.map(tier => tier.name)
const SHARES = { a: 4, b: 0.5, c: 2 } as Record<string, number>
const rivals = fc.array(fc.record({ tenant: fc.constantFrom(...TENANTS), tier: fc.constantFrom(...TIERS) }), {
  minLength: 1,
  maxLength: 12,
})

/** Rivals who always have calls waiting, after so many starts. */
function flood(of: readonly Rival[], starts: number, workOf: (i: number) => number) {
  const queue = new FairQueue<TestEntry>(termsOf(SHARES))
  let calls = 0
  const add = (rival: Rival) =>
    queue.add(entryOf(rival.tenant, { tier: rival.tier, work: workOf(calls++), arrivedAt: calls }))
  for (const rival of of) for (let i = 0; i < 20; i++) add(rival)
  const startOne = () => {
    const entry = queue.next(POOL, () => true)!
    queue.end(queue.start(POOL, entry), entry.work)
    add(entry)
    return entry
  }
  for (let i = 0; i < starts; i++) startOne()
  return { queue, startOne }
}

describe('the search for who is next', () => {
  it('ends at a call that nobody may be taken before, whatever waits behind it in any tier', () => {
    const queue = new FairQueue<TestEntry>(termsOf())
    for (const tier of TIERS) for (const tenant of TENANTS) queue.add(entryOf(tenant, { tier }))
    const looked: TestEntry[] = []
    const found = queue.next(POOL, entry => {
      looked.push(entry)
      return looked.length === 3 ? 'nobody' : false
    })
    expect(found).toBeNull()
    expect(looked).toHaveLength(3)
    expect(queue.next(POOL, entry => entry === looked[2])).toBe(looked[2])
  })
})

describe('no call starves', () => {
  it('starts before the others were given more than its turn is worth, however many come after it', () => {
    fc.assert(
      fc.property(
        rivals,
        fc.nat(60),
        fc.constantFrom(...TENANTS, 'new'),
        fc.constantFrom(...TIERS),
        (of, starts, tenant, tier) => {
          const { queue, startOne } = flood(of, starts, i => [1, 10, 100][i % 3]!)
          const entry = entryOf(tenant, { tier, deadlineAt: 1, work: 100 })
          queue.add(entry)
          // Each tenant of its tier goes first with what a largest call is to the smallest share, and every tier with
          // what that is to the smallest weight, twice over.
          const inTier = (2 * 100 * (4 + 0.5 + 2 + 1 + 1)) / 0.5
          const most = inTier + ((inTier + 2 * 100) * (8 + 4 + 1)) / 1
          let given = 0
          for (let next = startOne(); next !== entry; next = startOne()) {
            given += next.work
            expect(given).toBeLessThanOrEqual(most)
          }
        },
      ),
    )
  })

  it('lets a tenant with one call start within two rounds of its equals', () => {
    const { queue, startOne } = flood(
      [...'abcdefghij'].map(name => ({ tenant: `t${name}`, tier: 'batch' })),
      57,
      () => 10,
    )
    const entry = entryOf('new', { tier: 'batch', work: 10_000 })
    queue.add(entry)
    const order = Array.from({ length: 21 }, startOne)
    expect(order).toContain(entry)
  })
})

describe('the work ahead of a call', () => {
  const queueWith = (entries: readonly TestEntry[]) => {
    const queue = new FairQueue<TestEntry>(termsOf({ heavy: 4 }))
    for (const entry of entries) queue.add(entry)
    return queue
  }
  const many = (count: number, make: () => TestEntry) => Array.from({ length: count }, make)
  const ask = (tenant: string, tier = 'standard', deadlineAt: number | null = null) => ({ tenant, tier, deadlineAt })

  it('is nothing where nobody waits', () => {
    expect(queueWith([]).ahead(POOL, ask('t'))).toBe(0)
    expect(queueWith([entryOf('t', { pools: ['other'] })]).ahead(POOL, ask('t'))).toBe(0)
  })

  it('is all of the waiting work where there is one tenant', () => {
    expect(queueWith(many(9, () => entryOf('t'))).ahead(POOL, ask('t'))).toBe(900)
  })

  it('is what the shares of others let go first, and no more than they have', () => {
    const queue = queueWith([...many(10, () => entryOf('light')), ...many(90, () => entryOf('heavy'))])
    expect(queue.ahead(POOL, ask('new'))).toBe(0)
    expect(queue.ahead(POOL, ask('light'))).toBe(1_000 + 4_000)
    expect(queue.ahead(POOL, ask('heavy'))).toBe(9_000 + 1_000)
  })

  it('counts tiers by weight: an interactive call lets little of batch go first', () => {
    const queue = queueWith([
      ...many(16, () => entryOf('t', { tier: 'interactive' })),
      ...many(500, () => entryOf('t', { tier: 'batch' })),
    ])
    expect(queue.ahead(POOL, ask('t', 'interactive'))).toBe(1_600 + 200)
    expect(queue.ahead(POOL, ask('t', 'batch'))).toBe(50_000 + 1_600)
  })

  it('of a call with a deadline is that of calls with one', () => {
    const queue = queueWith([...many(5, () => entryOf('t')), entryOf('t', { deadlineAt: 7 })])
    expect(queue.ahead(POOL, ask('t', 'standard', 9))).toBe(100)
    expect(queue.ahead(POOL, ask('t'))).toBe(600)
  })

  it('counts a call for two pools half at each', () => {
    const queue = queueWith(many(4, () => entryOf('t', { pools: [POOL, 'other'] })))
    expect([queue.ahead(POOL, ask('t')), queue.ahead('other', ask('t'))]).toEqual([200, 200])
  })

  it('of thousands of tenants is reckoned from some of them', () => {
    const entries = Array.from({ length: 4_000 }, (_, i) => entryOf(`t${i}`, { work: 10 }))
    const queue = queueWith([...entries, ...many(9, () => entryOf('own', { work: 1 }))])
    expect(queue.ahead(POOL, ask('own'))).toBe(9 + 9 * 4_000)
  })

  it('is near what really starts first', () => {
    fc.assert(
      fc.property(
        rivals,
        fc.nat(60),
        fc.constantFrom(...TENANTS, 'new'),
        fc.constantFrom(...TIERS),
        (of, starts, tenant, tier) => {
          const { queue } = flood(of, starts, () => 10)
          const expected = queue.ahead(POOL, ask(tenant, tier))
          const entry = entryOf(tenant, { tier, work: 10, arrivedAt: 1e9 })
          queue.add(entry)
          let given = 0
          for (let next = queue.next(POOL, () => true)!; next !== entry; next = queue.next(POOL, () => true)!) {
            queue.end(queue.start(POOL, next), next.work)
            given += next.work
          }
          // A fluid gives parts of calls: off by a call of each tenant and tier, and what that is by weight.
          expect(Math.abs(given - expected)).toBeLessThanOrEqual(400)
        },
      ),
    )
  })
})
