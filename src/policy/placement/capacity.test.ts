import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Capacity, foreignCalls, freePlaces, heardLoad, newCapacity, placesOf } from './capacity.ts'

const NOTHING = { running: null, waiting: null, kvTokens: null, maxRunning: null }

/** Reads metrics once a second, `beside` being the own calls of the moment. */
function read(
  capacity: Capacity,
  running: number,
  waiting: number,
  beside: { inFlight?: number; peak?: number; lately?: number; at?: number } = {},
) {
  const { inFlight = running + waiting, peak = inFlight, lately = 0, at = (capacity.heardAt ?? 0) + 1_000 } = beside
  heardLoad(capacity, { ...NOTHING, running, waiting }, { inFlight, peak, placedLately: lately, askedAt: at })
}

describe('the places of a replica', () => {
  it.each([
    ['as configured, whatever else is known', 3, 16, 3],
    ['by its own word where nobody configured them', null, 16, 16],
    ['a careful guess where nobody knows', null, null, 32],
  ])('are %s', (_, maxRunning, told, places) => {
    const capacity = newCapacity(0)
    heardLoad(capacity, { ...NOTHING, maxRunning: told }, { inFlight: 0, peak: 0, placedLately: 0, askedAt: 0 })
    expect(placesOf(capacity, maxRunning, 10)).toBe(places)
  })

  it('are many where a replica has never told anything, so that only its own queue bounds it', () => {
    expect(placesOf(newCapacity(0), null, 4_999)).toBe(32)
    expect(placesOf(newCapacity(0), null, 5_000)).toBe(256)
  })

  it('double while all are taken and nothing waits, and stay while there is room', () => {
    const capacity = newCapacity(0)
    read(capacity, 31, 0)
    expect(capacity.learnt).toBe(32)
    for (const expected of [64, 128, 256]) {
      read(capacity, capacity.learnt, 0)
      expect(capacity.learnt).toBe(expected)
    }
  })

  it('are cut to what runs when calls wait, then raised by 1, 2 and 4', () => {
    const capacity = newCapacity(0)
    read(capacity, 4, 28)
    expect(capacity.learnt).toBe(4)
    for (const expected of [5, 7, 11]) {
      read(capacity, capacity.learnt, 0)
      expect(capacity.learnt).toBe(expected)
    }
    read(capacity, 9, 2)
    expect(capacity.learnt).toBe(9)
    read(capacity, 9, 0)
    expect(capacity.learnt).toBe(10)
  })

  it('are not cut for calls that have only just come and wait for the next step', () => {
    const capacity = newCapacity(0)
    read(capacity, 5, 25, { lately: 30 })
    expect(capacity.learnt).toBe(32)
    read(capacity, 5, 25, { lately: 10 })
    expect(capacity.learnt).toBe(5)
  })

  it('are never fewer than one, and nothing that an engine says makes them no number', () => {
    const told = fc.option(fc.integer({ min: 0, max: 5_000 }), { nil: null })
    const reading = fc.record({
      running: told,
      waiting: told,
      kvTokens: told,
      maxRunning: told,
      inFlight: fc.nat(300),
      lately: fc.nat(300),
    })
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 30 }), readings => {
        const capacity = newCapacity(0)
        for (const [i, { inFlight, lately, ...load }] of readings.entries()) {
          heardLoad(capacity, load, { inFlight, peak: inFlight, placedLately: lately, askedAt: i * 1_000 })
          const now = i * 1_000 + 500
          expect(placesOf(capacity, null, now)).toBeGreaterThanOrEqual(1)
          expect(placesOf(capacity, null, now)).toBeLessThanOrEqual(5_000)
          expect(freePlaces(capacity, { inFlight: 0, maxRunning: null, now })).toBeGreaterThanOrEqual(1)
          expect(freePlaces(capacity, { inFlight: 5_000, maxRunning: null, now })).toBe(0)
        }
      }),
    )
  })
})

describe('calls of others', () => {
  it('take places while metrics are new, and fade by half each second when there are no newer ones', () => {
    const capacity = newCapacity(0)
    for (const at of [0, 1_000]) read(capacity, 6, 2, { inFlight: 4, at })
    const free = (now: number) => freePlaces(capacity, { inFlight: 2, maxRunning: 8, now })
    expect([1_000, 2_000, 3_000, 4_000, 9_000].map(free)).toEqual([2, 2, 4, 5, 6])
  })

  it('never block a replica at which nothing is under way, however full it said it was', () => {
    const capacity = newCapacity(0)
    for (const at of [0, 1_000]) read(capacity, 4, 30, { inFlight: 0, at })
    expect(freePlaces(capacity, { inFlight: 0, maxRunning: 4, now: 1_500 })).toBe(1)
    expect(freePlaces(capacity, { inFlight: 1, maxRunning: 4, now: 1_500 })).toBe(0)
    expect(freePlaces(capacity, { inFlight: 0, maxRunning: 4, now: 10_000 })).toBe(4)
  })

  it('are not made of one reading that saw an own call come or go', () => {
    const capacity = newCapacity(0)
    read(capacity, 3, 0, { inFlight: 2, at: 0 })
    expect(foreignCalls(capacity, 100)).toBe(0)
    read(capacity, 3, 0, { inFlight: 3, at: 1_000 })
    expect(foreignCalls(capacity, 1_100)).toBe(0)
  })
})

it('an engine of 4 slots that is flooded in two waves is not flooded in the second', () => {
  const [slots, serviceMs] = [4, 150]
  const capacity = newCapacity(0)
  let inside: number[] = []
  const placedAt: number[] = []
  const flood = (from: number, calls: number) => {
    let [now, left, mostWaiting] = [from, calls, 0]
    for (; left > 0 || inside.length > 0; now += 10) {
      // Those that run are the first ones; each ends when it has had its time in a slot.
      inside = inside.map((doneMs, i) => (i < slots ? doneMs + 10 : doneMs)).filter(doneMs => doneMs < serviceMs)
      for (; left > 0 && freePlaces(capacity, { inFlight: inside.length, maxRunning: null, now }) > 0; left--) {
        inside.push(0)
        placedAt.push(now)
      }
      mostWaiting = Math.max(mostWaiting, inside.length - slots)
      if (now % 1_000 !== 370) continue
      const lately = placedAt.reduce((sum, at) => sum + Math.exp((at - now) / 250), 0)
      const running = Math.min(slots, inside.length)
      read(capacity, running, inside.length - running, { lately, at: now })
    }
    return { now, mostWaiting }
  }
  const first = flood(0, 50)
  expect(first.mostWaiting).toBe(28)
  const second = flood(first.now, 50)
  expect(second.mostWaiting).toBeLessThanOrEqual(4)
  expect(capacity.learnt).toBeGreaterThanOrEqual(4)
})
