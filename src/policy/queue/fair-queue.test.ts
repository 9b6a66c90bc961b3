import { describe, expect, it } from 'vitest'
import { always, entryOf, fill, many, POOL, queueOf, serve, workOf } from './queue.fixture.ts'

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
    expect(() => queue.start(POOL, { tier: 'gold', tenant: 't', work: 1 })).toThrow(/"gold"/)
    expect(() => queue.ahead(POOL, { tier: 'gold', tenant: 't', deadlineAt: null })).toThrow(/"gold"/)
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

  it('loses no millisecond over more work than any fleet will ever do', () => {
    const queue = queueOf({ heavy: 4 })
    const enormous = 20 * 365 * 86_400_000 * 1_000
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
