import { describe, expect, it } from 'vitest'
import { always, chanceOf, entryOf, fill, many, POOL, queueOf, serve, workOf } from './queue.fixture.ts'

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
