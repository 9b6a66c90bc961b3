import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { heardAnswer, newPoolSpeed, newReplicaSpeed, scaleOf, slownessOf } from './speed.ts'

/** Two replicas that answer in turns, by how many times longer than the model says. */
function learnt(one: readonly number[], other: readonly number[]) {
  const pool = newPoolSpeed()
  const [fast, slow] = [newReplicaSpeed(0), newReplicaSpeed(0)]
  for (let i = 0; i < one.length; i++) {
    heardAnswer(pool, fast, { modelledMs: 100, observedMs: 100 * one[i]!, kind: 'first' }, i)
    heardAnswer(pool, slow, { modelledMs: 100, observedMs: 100 * other[i]!, kind: 'first' }, i)
  }
  return { pool, fast, slow, now: one.length }
}
const many = (ratio: number) => Array<number>(30).fill(ratio)

describe('the slowness of a replica', () => {
  it('is 1 before anything is known, and for replicas that differ by noise', () => {
    expect(slownessOf(newReplicaSpeed(0), 5)).toBe(1)
    const { fast, slow, now } = learnt(many(1), many(1.2))
    expect([slownessOf(fast, now), slownessOf(slow, now)]).toEqual([1, 1])
  })

  it('is against its peers, not against a model that is wrong of all of them', () => {
    const { fast, slow, pool, now } = learnt(many(3), many(3))
    expect([slownessOf(fast, now), slownessOf(slow, now)]).toEqual([1, 1])
    expect(scaleOf(pool)).toBeCloseTo(3, 5)
  })

  it('tells slow ones from fast ones', () => {
    const { fast, slow, now } = learnt(many(0.5), many(4))
    expect(slownessOf(fast, now)).toBe(1)
    expect(slownessOf(slow, now)).toBeGreaterThan(4)
  })

  it('is 1 where answers are too few to tell, and about the same where they are scattered', () => {
    const few = learnt([1, 1], [4, 4])
    expect(slownessOf(few.slow, few.now)).toBe(1)
    const scattered = Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? 0.3 : 3))
    const { fast, slow, now } = learnt(
      scattered,
      scattered.map(ratio => ratio * 1.3),
    )
    expect(slownessOf(slow, now) / slownessOf(fast, now)).toBeLessThan(1.5)
  })

  it('is 1 of one that alone is asked, when everything gets quicker', () => {
    const { fast: asked, slow: idle, pool, now } = learnt(many(4), many(4))
    for (let i = 0; i < 20; i++) {
      heardAnswer(pool, asked, { modelledMs: 100, observedMs: 100, kind: 'first' }, now + i)
      expect([slownessOf(asked, now + i), slownessOf(idle, now + i)]).toEqual([1, 1])
    }
  })

  it('is not moved far by one odd answer', () => {
    const { fast, pool, now } = learnt(many(1), many(1))
    heardAnswer(pool, fast, { modelledMs: 100, observedMs: 100_000, kind: 'first' }, now)
    expect(slownessOf(fast, now)).toBe(1)
  })

  it('is forgotten in silence, so that a slow one gets its chance again', () => {
    const { slow, now } = learnt(many(1), many(8))
    const later = [0, 10_000, 20_000, 60_000].map(ms => slownessOf(slow, now + ms))
    expect(later).toEqual(later.toSorted((a, b) => b - a))
    expect(later.at(-1)).toBe(1)
  })

  it('stays within bounds and a number, whatever is observed', () => {
    const timing = fc.record({
      modelledMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
      observedMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
      kind: fc.constantFrom('first' as const, 'whole' as const),
    })
    fc.assert(
      fc.property(fc.array(timing), timings => {
        const [pool, replica] = [newPoolSpeed(), newReplicaSpeed(0)]
        timings.forEach((timing, i) => {
          heardAnswer(pool, replica, timing, i)
          expect(slownessOf(replica, i)).toBeGreaterThanOrEqual(1)
          expect(slownessOf(replica, i)).toBeLessThanOrEqual(16)
          expect(scaleOf(pool)).toBeGreaterThanOrEqual(0.5)
          expect(scaleOf(pool)).toBeLessThanOrEqual(4)
        })
      }),
    )
  })
})
