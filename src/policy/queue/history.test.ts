import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_TIERS } from '../../vocabulary/tier.ts'
import { FairQueue, type Running } from './fair-queue.ts'
import { chanceOf, entryOf, POOL, type TestEntry, termsOf } from './queue.fixture.ts'
import { ReferenceQueue } from './reference.fixture.ts'

const TENANTS = ['a', 'b', 'c', 'd']
const SHARES = { a: 4, b: 1, c: 2 }

/** How often each thing happened, over all histories. */
const reached = new Map<string, number>()
function count(what: string): void {
  reached.set(what, (reached.get(what) ?? 0) + 1)
}

const call = fc.record({
  tenant: fc.constantFrom(...TENANTS),
  tier: fc.constantFrom('interactive', 'standard', 'standard', 'batch'),
  deadlineAt: fc.constantFrom(null, null, 40, 50, 60),
  work: fc.constantFrom(0, 1, 8, 64, 1_024),
  pools: fc.constantFrom(['x'], ['x'], ['y'], ['x', 'y'], ['y', 'x']),
})
const pool = fc.constantFrom('x', 'x', 'y')

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ is: fc.constant('add' as const), call, times: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 5, arbitrary: fc.record({ is: fc.constant('next' as const), pool, deaf: fc.constantFrom(0, 0, 2, 3) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('remove' as const), which: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('atOnce' as const), pool, call }) },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant('correct' as const),
      which: fc.nat(30),
      work: fc.constantFrom(0, 4, 64, 4_096),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant('end' as const),
      which: fc.nat(30),
      work: fc.constantFrom(0, 4, 64, 4_096),
    }),
  },
)

/** The queue beside the reference. */
class History {
  readonly #terms = termsOf(SHARES, { maxCalls: 14, maxBytes: 1_300 })
  readonly queue = new FairQueue<TestEntry>(this.#terms)
  readonly reference = new ReferenceQueue(this.#terms)
  readonly #running: { readonly entry: TestEntry; readonly running: Running }[] = []
  #now = 0

  do(what: typeof step extends fc.Arbitrary<infer S> ? S : never): void {
    if (what.is === 'add') for (let i = 0; i < what.times; i++) this.#add(what.call)
    else if (what.is === 'next') this.#next(what.pool, what.deaf)
    else if (what.is === 'remove') this.#remove(what.which)
    else if (what.is === 'atOnce') this.#start(what.pool, entryOf(what.call.tenant, what.call))
    else this.#correct(what)
    expect([this.queue.size, this.queue.bytes]).toEqual([
      this.reference.entries.length,
      this.reference.entries.reduce((sum, { bytes }) => sum + bytes, 0),
    ])
  }

  #add(of: Partial<TestEntry> & { tenant: string }): void {
    const entry = entryOf(of.tenant, { ...of, arrivedAt: this.#now++ })
    const answer = this.queue.add(entry)
    expect(answer).toBe(this.reference.add(entry))
    count(answer)
  }

  #next(pool: string, deaf: number): void {
    const mayStart = (entry: TestEntry) => deaf === 0 || entry.id % deaf !== 0
    const entry = this.queue.next(pool, mayStart)
    expect(entry).toBe(this.reference.next(pool, mayStart))
    count(entry === null ? 'nobody' : 'next')
    if (entry !== null) this.#start(pool, entry)
  }

  #start(pool: string, entry: TestEntry): void {
    const running = this.queue.start(pool, entry)
    count(running.charge === null ? 'free' : 'charged')
    this.#running.push({ entry, running })
    this.reference.start(pool, entry)
  }

  #remove(which: number): void {
    const entry = this.reference.entries[which]
    if (entry === undefined) return
    expect([this.queue.remove(entry), this.queue.remove(entry)]).toEqual([true, false])
    this.reference.remove(entry)
    count('removed')
  }

  #correct({
    is,
    which,
    work,
  }: {
    readonly is: 'correct' | 'end'
    readonly which: number
    readonly work: number
  }): void {
    const found = this.#running[which]
    if (found === undefined) return
    count(is)
    this.reference[is](found.entry, work)
    this.queue[is](found.running, work)
    if (is === 'correct') return
    this.#running.splice(which, 1)
  }
}

describe('any history', () => {
  it('is served in the order of the definition', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), steps => {
        const history = new History()
        for (const what of steps) history.do(what)
        for (const pool of ['x', 'y'] as const) for (let i = 0; i < 15; i++) history.do({ is: 'next', pool, deaf: 0 })
        expect([history.queue.size, history.queue.remembered]).toEqual([0, 0])
      }),
      { numRuns: 300 },
    )
    for (const what of ['waiting', 'full', 'next', 'nobody', 'charged', 'free', 'removed', 'correct', 'end']) {
      expect(reached.get(what), what).toBeGreaterThan(20)
    }
  })
})

interface Crowd {
  readonly seed: number
  readonly places: number
  readonly tenants: number
  readonly shares: readonly number[]
  /** By how much calls may differ from what was expected of them, as a factor. */
  readonly error: number
  /** Of the tenants' pauses: 0 for tenants who always have calls waiting. */
  readonly idle: number
  /** Whether each is a tier of its own, instead of a tenant in one. */
  readonly isOfTiers: boolean
}

interface Sharer {
  readonly name: string
  readonly share: number
  waiting: number
  /** By its share, since it has had calls waiting without a break. */
  given: number
  sinceStep: number
  /** Since when, by the other's number, and the least and the greatest difference to it in that time. */
  readonly gaps: Map<string, { since: string; least: number; most: number }>
}

/** A pool with so many places under tenants who come and go, with calls that do not take what was expected. */
function greatestGap(crowd: Crowd): { readonly gap: number; readonly bound: number; readonly joint: number } {
  const chance = chanceOf(crowd.seed)
  const shares = Object.fromEntries(crowd.shares.map((share, i) => [`t${i}`, share]))
  const tiers = crowd.shares.map((weight, i) => ({ ...DEFAULT_TIERS[0]!, name: `t${i}`, weight }))
  const bounds = { maxCalls: 100_000, maxBytes: 1e9 }
  const queue = new FairQueue<TestEntry>(crowd.isOfTiers ? termsOf({}, bounds, tiers) : termsOf(shares, bounds))
  const sharers: Sharer[] = Array.from({ length: crowd.tenants }, (_, i) => ({
    name: `t${i}`,
    share: shares[`t${i}`] ?? 1,
    waiting: 0,
    given: 0,
    sinceStep: -1,
    gaps: new Map(),
  }))
  const running: { entry: TestEntry; running: Running; took: number; sinceStep: number }[] = []
  let most = 0
  let gap = 0
  let joint = 0
  const of = (entry: TestEntry) => sharers[Number((crowd.isOfTiers ? entry.tier : entry.tenant).slice(1))]!
  const observe = () => {
    const busy = sharers.filter(sharer => sharer.waiting > 0)
    for (const [i, one] of busy.entries()) {
      for (const other of busy.slice(i + 1)) {
        const since = `${one.sinceStep},${other.sinceStep}`
        const difference = one.given - other.given
        let seen = one.gaps.get(other.name)
        if (seen?.since !== since) seen = { since, least: difference, most: difference }
        else joint++
        seen.least = Math.min(seen.least, difference)
        seen.most = Math.max(seen.most, difference)
        one.gaps.set(other.name, seen)
        gap = Math.max(gap, seen.most - seen.least)
      }
    }
  }
  for (let stepNumber = 0; stepNumber < 1_500; stepNumber++) {
    for (const sharer of sharers) {
      if (chance() < (sharer.waiting > 0 ? 0.3 : 1 - crowd.idle)) {
        if (sharer.waiting === 0) sharer.sinceStep = stepNumber
        sharer.waiting++
        const whose = crowd.isOfTiers ? { tier: sharer.name } : {}
        queue.add(entryOf(sharer.name, { ...whose, work: 10 ** (3 * chance()), arrivedAt: stepNumber }))
      }
    }
    observe()
    while (running.length < crowd.places) {
      const entry = queue.next(POOL, () => true)
      if (entry === null) break
      const took = entry.work * crowd.error ** (2 * chance() - 1)
      running.push({ entry, running: queue.start(POOL, entry), took, sinceStep: of(entry).sinceStep })
      of(entry).given += entry.work / of(entry).share
      of(entry).waiting--
      most = Math.max(
        most,
        running.reduce((sum, { entry, took }) => sum + Math.max(entry.work, took) / of(entry).share, 0),
      )
      observe()
    }
    const [ended] = running.splice(Math.floor(chance() * running.length), 1)
    if (ended === undefined) continue
    queue.end(ended.running, ended.took)
    const sharer = of(ended.entry)
    if (sharer.sinceStep === ended.sinceStep) sharer.given += (ended.took - ended.entry.work) / sharer.share
    observe()
  }
  return { gap, bound: 2 * most, joint }
}

describe('between any two tenants, and any two tiers, with calls waiting, over any interval', () => {
  const cases: readonly [string, Partial<Crowd>][] = [
    ['one place', { places: 1 }],
    ['many places', { places: 16 }],
    ['calls that take up to eight times as much, or as little, as expected', { places: 8, error: 8 }],
    ['calls that are not what was expected, and tenants who come and go', { places: 4, error: 8, idle: 0.9 }],
    ['tenants of unequal shares who come and go', { places: 4, error: 3, idle: 0.8, shares: [4, 1, 0.5, 2] }],
    ['tiers that come and go', { places: 4, error: 3, idle: 0.5, tenants: 3, shares: [8, 4, 1], isOfTiers: true }],
  ]
  it.each(cases)('work by share differs by twice what runs at once, at most: %s', (_, more) => {
    let joint = 0
    let closest = 0
    for (let seed = 1; seed <= 12; seed++) {
      const found = greatestGap({
        seed,
        places: 1,
        tenants: 5,
        shares: [],
        error: 1,
        idle: 0,
        isOfTiers: false,
        ...more,
      })
      expect(found.gap).toBeLessThanOrEqual(found.bound)
      closest = Math.max(closest, found.gap / found.bound)
      joint += found.joint
    }
    expect(joint).toBeGreaterThan(1_000)
    // A bound that nothing comes near would show nothing.
    expect(closest).toBeGreaterThan(0.1)
  })
})
