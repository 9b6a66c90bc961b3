import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../ports/clock.ts'
import { callIdToInteger, ID_EPOCH_MS } from '../vocabulary/id.ts'
import { createIds } from './ids.ts'

/** A clock that shows one reading after the other, then stays at the last. */
function clockOf(readings: readonly number[]): Clock {
  let next = 0
  return {
    now: () => ID_EPOCH_MS + readings[Math.min(next++, readings.length - 1)]!,
    monotonic: () => 0,
    after: () => () => {},
  }
}

describe('ids', () => {
  it('rise whatever the clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 }), readings => {
        const next = createIds(clockOf(readings), 3, 0)
        const made = Array.from({ length: 200 }, () => callIdToInteger(next())!)
        for (let i = 1; i < made.length; i++) expect(made[i]! > made[i - 1]!).toBe(true)
      }),
    )
  })

  it('go on in the next millisecond when one is used up', () => {
    const next = createIds(clockOf([7]), 0, 0)
    const made = new Set(Array.from({ length: 5_000 }, () => next()))
    expect(made.size).toBe(5_000)
  })

  it('come after those that the ledger has, though the clock was set back', () => {
    const next = createIds(clockOf([10]), 0, ID_EPOCH_MS + 1_000)
    expect(callIdToInteger(next())! >> 22n).toBeGreaterThan(1_000n)
  })

  it('of two instances never meet', () => {
    const [a, b] = [createIds(clockOf([5]), 1, 0), createIds(clockOf([5]), 2, 0)]
    const made = new Set(Array.from({ length: 2_000 }, (_, i) => (i % 2 ? a() : b())))
    expect(made.size).toBe(2_000)
  })

  it('are refused to an instance beyond their bits', () => {
    expect(() => createIds(clockOf([0]), 1024, 0)).toThrow(/1024/)
  })
})
