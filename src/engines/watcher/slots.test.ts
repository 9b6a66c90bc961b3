import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { slotsFor } from './hosts.ts'
import { Slots } from './slots.ts'

describe('slots', () => {
  it.each<[readonly string[], number]>([
    [['http://10.0.0.1/v1', 'http://localhost:8000/v1', 'http://[::1]:1/v1'], 3],
    [['http://10.0.0.1/v1', 'http://pool.internal/v1'], 34],
  ])('of %j are %d', (baseUrls, expected) => expect(slotsFor(baseUrls)).toBe(expected))

  it('are given out in order, and not past their number', () => {
    const slots = new Slots(2)
    expect(['a', 'b', 'c'].map(key => slots.take(key, 0))).toEqual([0, 1, null])
  })

  it('go to the one that was left first where none has rested', () => {
    const slots = new Slots(2)
    slots.take('a', 0)
    slots.take('b', 0)
    slots.leave(1, 10)
    slots.leave(0, 20)
    expect([slots.take('c', 30), slots.take('d', 30)]).toEqual([1, 0])
  })

  it('are never held by two, whatever comes and goes', () => {
    const step = fc.record({ key: fc.integer({ min: 0, max: 9 }), afterMs: fc.integer({ min: 0, max: 90_000 }) })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), (most, steps) => {
        const slots = new Slots(most)
        const held = new Map<number, number>()
        let now = 0
        for (const { key, afterMs } of steps) {
          now += afterMs
          const slot = held.get(key)
          if (slot !== undefined) {
            slots.leave(slot, now)
            held.delete(key)
            continue
          }
          const taken = slots.take(String(key), now)
          if (taken === null) expect(held.size).toBe(most)
          else held.set(key, taken)
          expect(new Set(held.values()).size).toBe(held.size)
          for (const one of held.values()) expect(one).toBeLessThan(most)
        }
      }),
    )
  })
})
