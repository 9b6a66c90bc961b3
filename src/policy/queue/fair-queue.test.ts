import { describe, expect, it } from 'vitest'
import { FairQueue } from './fair-queue.ts'
import { chanceOf, entryOf, POOL, type TestEntry, termsOf } from './queue.fixture.ts'

const always = () => true

function queueOf(...terms: Parameters<typeof termsOf>): FairQueue<TestEntry> {
  return new FairQueue<TestEntry>(termsOf(...terms))
}

function fill(queue: FairQueue<TestEntry>, entries: readonly TestEntry[]): void {
  for (const entry of entries) expect(queue.add(entry)).toBe('waiting')
}

function many(count: number, make: (i: number) => TestEntry): readonly TestEntry[] {
  return Array.from({ length: count }, (_, i) => make(i))
}

/** Lets calls start one after another, each ending before the next with what was expected of it. */
function serve(queue: FairQueue<TestEntry>, count: number, pool = POOL): readonly TestEntry[] {
  const served: TestEntry[] = []
  for (let i = 0; i < count; i++) {
    const entry = queue.next(pool, always)
    if (entry === null) break
    const running = queue.start(pool, entry)
    queue.end(running, entry.work)
    served.push(entry)
  }
  return served
}

const workOf = (served: readonly TestEntry[], tenant: string) =>
  served.filter(entry => entry.tenant === tenant).reduce((sum, entry) => sum + entry.work, 0)

describe('tenants with shares 4 : 1', () => {
  const cases = [
    ['calls of one size', () => 640, () => 640],
    ['small calls against large ones', () => 120, () => 720],
    ['large calls against small ones', () => 720, () => 120],
    ['sizes that vary a hundredfold', (c: () => number) => 10 + 990 * c(), (c: () => number) => 10 + 990 * c()],
  ] as const
  it.each(cases)('get work 4 : 1 within one largest call after every start: %s', (_, search, ads) => {
    const chance = chanceOf(7)
    const queue = queueOf({ search: 4, ads: 1 }, { maxCalls: 10_000 })
    const entries = many(2_000, i => entryOf(i % 2 ? 'ads' : 'search', { work: (i % 2 ? ads : search)(chance) }))
    fill(queue, entries)
    const largest = Math.max(...entries.map(entry => entry.work))
    const work = { search: 0, ads: 0 }
    for (let i = 0; i < 180; i++) {
      const [entry] = serve(queue, 1)
      work[entry!.tenant as 'search' | 'ads'] += entry!.work
      expect(Math.abs(work.search / 4 - work.ads)).toBeLessThanOrEqual(largest)
    }
    expect(work.search / work.ads).toBeGreaterThan(3.4)
    expect(work.search / work.ads).toBeLessThan(4.6)
  })

  it('get 256 and 64 of the first 320 completions when calls are equal, as deficit round robin with 512 : 128 does', () => {
    const queue = queueOf({ premium: 512, free: 128 })
    fill(
      queue,
      many(640, i => entryOf(i < 320 ? 'free' : 'premium', { work: 640 })),
    )
    expect(serve(queue, 320).filter(entry => entry.tenant === 'premium').length).toBe(256)
  })
})

describe('tiers', () => {
  it('are served 8 : 4 : 1 while all have calls waiting, and none starves', () => {
    const queue = queueOf()
    const tiers = ['batch', 'standard', 'interactive']
    fill(
      queue,
      many(600, i => entryOf('one', { tier: tiers[i % 3]! })),
    )
    const served = serve(queue, 130)
    expect(tiers.map(tier => served.filter(entry => entry.tier === tier).length)).toEqual([10, 40, 80])
  })

  it('let the heavier go first when they are even', () => {
    const queue = queueOf()
    fill(
      queue,
      ['batch', 'standard', 'interactive'].map(tier => entryOf('one', { tier })),
    )
    expect(serve(queue, 3).map(entry => entry.tier)).toEqual(['interactive', 'standard', 'batch'])
  })

  it('let an interactive call start next however many batch calls wait and have run', () => {
    const queue = queueOf()
    fill(
      queue,
      many(500, i => entryOf(`t${i % 5}`, { tier: 'batch' })),
    )
    serve(queue, 90)
    const chat = entryOf('someone', { tier: 'interactive' })
    queue.add(chat)
    expect(queue.next(POOL, always)).toBe(chat)
  })

  it('do not compete at a pool where only their calls for another pool, or calls that may not start, wait', () => {
    const queue = queueOf()
    fill(
      queue,
      many(50, () => entryOf('chat', { tier: 'interactive', pools: ['elsewhere'] })),
    )
    fill(
      queue,
      many(50, () => entryOf('rows', { tier: 'batch' })),
    )
    expect(serve(queue, 20).every(entry => entry.tier === 'batch')).toBe(true)
    const stuck = entryOf('chat', { tier: 'interactive' })
    queue.add(stuck)
    expect(queue.next(POOL, entry => entry !== stuck)?.tier).toBe('batch')
    expect(queue.next(POOL, always)).toBe(stuck)
  })
})

describe('a tenant that comes back', () => {
  it('has saved up nothing: two equal tenants, of whom one was idle, are served in turns', () => {
    const queue = queueOf()
    fill(
      queue,
      many(300, i => entryOf(i % 2 ? 'busy' : 'other')),
    )
    serve(queue, 120)
    fill(
      queue,
      many(60, () => entryOf('idle')),
    )
    const next = serve(queue, 30)
    expect(['busy', 'other', 'idle'].map(tenant => workOf(next, tenant))).toEqual([1_000, 1_000, 1_000])
  })

  it('owes nothing for what it was served while nobody else waited', () => {
    const queue = queueOf()
    const large = many(120, () => entryOf('busy', { work: 10_000 }))
    fill(queue, large)
    serve(queue, 119)
    fill(
      queue,
      many(60, i => entryOf(i % 2 ? 'busy' : 'idle')),
    )
    queue.remove(large[119]!)
    expect(workOf(serve(queue, 40), 'busy')).toBe(2_000)
  })

  it('owes nothing for calls that started at once, from an empty queue', () => {
    const queue = queueOf()
    for (let i = 0; i < 64; i++) queue.start(POOL, { tier: 'standard', tenant: 'busy', work: 5_000 })
    fill(
      queue,
      many(40, i => entryOf(i < 20 ? 'busy' : 'idle')),
    )
    expect(workOf(serve(queue, 20), 'busy')).toBe(1_000)
  })

  it('does not lose its share by having all of its calls running for a moment', () => {
    const queue = queueOf({ heavy: 4 })
    fill(
      queue,
      many(400, () => entryOf('light')),
    )
    queue.add(entryOf('heavy'))
    const served: string[] = []
    for (let i = 0; i < 100; i++) {
      const entry = queue.next(POOL, always)!
      const running = queue.start(POOL, entry)
      served.push(entry.tenant)
      // Its next call comes only after the one before has started: it has none waiting in between.
      if (entry.tenant === 'heavy') queue.add(entryOf('heavy'))
      queue.end(running, 100)
    }
    expect(served.filter(tenant => tenant === 'heavy').length).toBe(80)
  })

  it('saves nothing up by calls that wait but may not start', () => {
    const queue = queueOf()
    const stuck = entryOf('stuck')
    fill(queue, [stuck, ...many(200, () => entryOf('busy'))])
    for (let i = 0; i < 50; i++) {
      const entry = queue.next(POOL, e => e !== stuck)!
      queue.end(queue.start(POOL, entry), entry.work)
    }
    fill(
      queue,
      many(50, () => entryOf('stuck')),
    )
    expect(Math.abs(workOf(serve(queue, 20), 'stuck') - 1_000)).toBeLessThanOrEqual(100)
  })
})

describe('a correction', () => {
  it('makes a call count for what it took: calls that take double count double', () => {
    const queue = queueOf()
    fill(
      queue,
      many(400, i => entryOf(i % 2 ? 'asExpected' : 'double')),
    )
    const took = { asExpected: 0, double: 0 }
    for (let i = 0; i < 90; i++) {
      const entry = queue.next(POOL, always)!
      const running = queue.start(POOL, entry)
      const work = entry.tenant === 'double' ? 200 : 100
      queue.correct(running, work / 2)
      queue.end(running, work)
      queue.end(running, 1_000_000)
      took[entry.tenant as keyof typeof took] += work
    }
    expect(Math.abs(took.asExpected - took.double)).toBeLessThanOrEqual(200)
  })

  it('gives back no more than its call would have cost: not what was lifted away since', () => {
    const queue = queueOf()
    fill(
      queue,
      many(100, () => entryOf('busy')),
    )
    queue.add(entryOf('back', { work: 1_000 }))
    queue.add(entryOf('busy'))
    serve(queue, 1)
    const running = queue.start(POOL, queue.next(POOL, entry => entry.tenant === 'back')!)
    serve(queue, 60)
    fill(
      queue,
      many(30, () => entryOf('back')),
    )
    queue.end(running, 0)
    expect(Math.abs(workOf(serve(queue, 20), 'back') - 1_000)).toBeLessThanOrEqual(100)
  })

  it('takes no more than what is still owed: the rest was paid by not being served', () => {
    const queue = queueOf()
    fill(
      queue,
      many(100, () => entryOf('busy')),
    )
    queue.add(entryOf('back'))
    serve(queue, 1)
    const running = queue.start(POOL, queue.next(POOL, entry => entry.tenant === 'back')!)
    serve(queue, 50)
    fill(
      queue,
      many(30, () => entryOf('back')),
    )
    queue.end(running, 4_000)
    expect(Math.abs(workOf(serve(queue, 20), 'back') - 1_000)).toBeLessThanOrEqual(100)
  })
})

describe('the calls of a tenant', () => {
  it('start by earliest deadline, those without after them in order of arrival', () => {
    const queue = queueOf()
    const late = entryOf('t', { deadlineAt: 9_000, arrivedAt: 1 })
    const soon = entryOf('t', { deadlineAt: 5_000, arrivedAt: 4 })
    const soonToo = entryOf('t', { deadlineAt: 5_000, arrivedAt: 5 })
    const [first, second] = [entryOf('t', { arrivedAt: 0 }), entryOf('t', { arrivedAt: 2 })]
    fill(queue, [second, soonToo, late, first, soon])
    expect(serve(queue, 9)).toEqual([soon, soonToo, late, first, second])
  })

  it('keep their places when one before them may not start', () => {
    const queue = queueOf()
    const [first, second] = [entryOf('t', { arrivedAt: 1 }), entryOf('t', { arrivedAt: 2 })]
    fill(queue, [first, second])
    expect(queue.next(POOL, entry => entry === second)).toBe(second)
    expect(queue.next(POOL, () => false)).toBeNull()
    expect(queue.next(POOL, always)).toBe(first)
  })

  it('are not looked through for ever', () => {
    const queue = queueOf()
    fill(
      queue,
      many(5_000, i => entryOf(`t${i % 50}`)),
    )
    let looks = 0
    expect(queue.next(POOL, () => ++looks < 0)).toBeNull()
    expect(looks).toBe(256)
    looks = 0
    const only = queueOf()
    fill(
      only,
      many(100, () => entryOf('t')),
    )
    expect(only.next(POOL, () => ++looks < 0)).toBeNull()
    expect(looks).toBe(16)
  })
})

describe('a call for two pools', () => {
  it('leaves both when it starts at one, and is charged there alone', () => {
    const queue = queueOf()
    const both = entryOf('a', { pools: ['left', 'right'] })
    fill(queue, [both, entryOf('a', { pools: ['right'] }), entryOf('b', { pools: ['right'] })])
    fill(queue, [entryOf('a', { pools: ['left'] }), entryOf('b', { pools: ['left'] })])
    expect(queue.next('right', always)).toBe(both)
    queue.start('left', both)
    expect(serve(queue, 2, 'left').map(entry => entry.tenant)).toEqual(['b', 'a'])
    expect(serve(queue, 2, 'right').map(entry => entry.tenant)).toEqual(['a', 'b'])
    expect(queue.size).toBe(0)
  })
})

describe('bounds', () => {
  it('refuse one call too many, and one byte too many, and take others once there is room', () => {
    const queue = queueOf({}, { maxCalls: 3, maxBytes: 1_000 })
    const first = entryOf('t', { bytes: 500 })
    expect(queue.add(first)).toBe('waiting')
    expect(queue.add(entryOf('t', { bytes: 501 }))).toBe('full')
    fill(queue, [entryOf('t', { bytes: 250 }), entryOf('t', { bytes: 250 })])
    expect(queue.add(entryOf('t', { bytes: 0 }))).toBe('full')
    expect([queue.size, queue.bytes]).toEqual([3, 1_000])
    expect([queue.remove(first), queue.remove(first)]).toEqual([true, false])
    expect(queue.add(entryOf('t', { bytes: 500 }))).toBe('waiting')
  })

  it('tell what waits of a tier, and its oldest', () => {
    const queue = queueOf()
    const [old, young] = [entryOf('t', { arrivedAt: 5 }), entryOf('u', { arrivedAt: 6, deadlineAt: 7 })]
    fill(queue, [young, old, entryOf('t', { tier: 'batch', arrivedAt: 1 })])
    expect([queue.waiting('standard'), queue.waiting('batch'), queue.waiting('interactive')]).toEqual([2, 1, 0])
    expect([queue.oldest('standard'), queue.oldest('interactive')]).toEqual([old, null])
    queue.remove(old)
    expect(queue.oldest('standard')).toBe(young)
  })

  it('tell whose wait is over, the earliest first, and when the next one is', () => {
    const queue = queueOf()
    const entries = [3_000, 1_000, 2_000, 4_000].map(endsAt => entryOf('t', { endsAt }))
    expect([queue.nextExpiry(), queue.expired(9_000)]).toEqual([null, []])
    fill(queue, entries)
    expect(queue.nextExpiry()).toBe(1_000)
    expect(queue.expired(999)).toEqual([])
    expect(queue.expired(3_000)).toEqual([entries[1], entries[2], entries[0]])
    for (const entry of queue.expired(3_000)) queue.remove(entry)
    expect(queue.nextExpiry()).toBe(4_000)
  })

  it('are told from bugs: an unknown tier, no pools, the same call twice', () => {
    const queue = queueOf()
    const entry = entryOf('t')
    queue.add(entry)
    expect(() => queue.add(entry)).toThrow(/waits already/)
    expect(() => queue.add(entryOf('t', { pools: [] }))).toThrow(/at least one pool/)
    expect(() => queue.add(entryOf('t', { tier: 'gold' }))).toThrow(/"gold"/)
  })

  it('hold for names that objects have by nature', () => {
    const queue = queueOf({ constructor: 2 })
    fill(
      queue,
      many(60, i => entryOf(i % 2 ? 'constructor' : 'toString')),
    )
    expect(workOf(serve(queue, 30), 'constructor')).toBe(2_000)
  })
})

describe('memory', () => {
  it('forgets tenants without calls as virtual time passes them, and all of them when nobody waits', () => {
    const queue = queueOf()
    fill(
      queue,
      many(100, i => entryOf(`always${i % 2}`)),
    )
    for (let i = 0; i < 10_000; i++) {
      queue.add(entryOf(`passing${i}`))
      const entry = queue.next(POOL, ({ tenant }) => tenant === `passing${i}`)!
      queue.end(queue.start(POOL, entry), entry.work)
      const other = queue.next(POOL, always)!
      queue.end(queue.start(POOL, other), other.work)
      queue.add(entryOf(other.tenant))
      expect(queue.remembered).toBeLessThan(20)
    }
    serve(queue, 1_000)
    expect([queue.size, queue.remembered]).toEqual([0, 0])
  })

  it('keeps a tenant whose call runs, for what is yet to be corrected', () => {
    const queue = queueOf()
    fill(queue, [...many(9, () => entryOf('busy')), entryOf('away')])
    serve(queue, 1)
    const running = queue.start(POOL, queue.next(POOL, ({ tenant }) => tenant === 'away')!)
    serve(queue, 5)
    expect(queue.remembered).toBe(3)
    queue.end(running, 100)
    expect(queue.remembered).toBe(2)
  })

  it('loses no millisecond over as much work as a year of a thousand replicas', () => {
    const queue = queueOf({ heavy: 4 })
    const enormous = 365 * 86_400_000 * 1_000
    fill(
      queue,
      many(2_000, i => entryOf(i % 2 ? 'heavy' : 'light', { work: enormous })),
    )
    const first = serve(queue, 600)
    fill(
      queue,
      many(100, i => entryOf(i % 2 ? 'x' : 'y', { work: 1 })),
    )
    const small = serve(queue, 60)
    expect(Math.abs(workOf(small, 'x') - workOf(small, 'y'))).toBeLessThanOrEqual(1)
    expect(workOf(small, 'x')).toBeGreaterThan(25)
    const heavy = workOf([...first, ...small, ...serve(queue, 440)], 'heavy') / enormous
    expect(Math.abs(heavy - 800)).toBeLessThan(50)
  })
})
