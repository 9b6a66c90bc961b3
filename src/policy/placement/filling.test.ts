import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EngineCosts } from '../../vocabulary/scheduling.ts'
import type { PlacementCall } from './call.ts'
import { began, ended, hasPlace, type PlacementFleet, placed } from './fleet.ts'
import { lacksRoom, place } from './place.ts'
import { cachedCall, callOf, fleetOf } from './placement.fixture.ts'

const COSTS: EngineCosts = {
  prefillTokenMs: 0.1,
  prefillPairMs: 0,
  decodeStepMs: 10,
  decodeSequenceMs: 0.125,
  contextTokenMs: 0,
}
const KNOWN = { costs: COSTS, maxRunning: null, kvTokens: 20_000 }
const WHOLE = { isWhole: true, outputTokens: 10 }
const UNWATCHED = { timeToFirstTokenMs: null, missedTargetDollars: 10_000_000n }
const batchOf = (call: Partial<PlacementCall> = {}) => callOf({ tier: UNWATCHED, ...call })

/** As many as there is room for, each begun at once. */
function filled(fleet: PlacementFleet, from: number, most = 1_000, everyMs = 1_000): number {
  for (let calls = 0; calls < most; calls++) {
    const now = from + calls * everyMs
    const placement = place(batchOf(), fleet, now)
    if (placement === null) return calls
    began(placed(fleet, placement.state, batchOf(), now), 30, now + 30)
  }
  return most
}

/** Somebody was here who waited for a first token, and has gone. */
function watched(fleet: PlacementFleet, now: number): void {
  const stay = placed(fleet, fleet.replicas[0]!, callOf(), now)
  began(stay, 30, now)
  ended(fleet, stay, WHOLE, now)
}

describe('calls for whose first tokens nobody waits', () => {
  it('have every place while nobody else was there for a minute', () => {
    const fleet = fleetOf(1, { ...KNOWN, kvTokens: null })
    expect(filled(fleet, 0)).toBe(256)
    const later = fleetOf(1, { ...KNOWN, kvTokens: null })
    watched(later, 0)
    expect(filled(later, 60_000)).toBe(256)
  })

  it.each<[string, Partial<PlacementFleet['pool']>, number]>([
    ['leave room in decode steps for those who do', { kvTokens: null }, 16],
    ['leave them room in the KV cache', {}, 9],
    ['have every place that is configured', { maxRunning: 30, kvTokens: null }, 30],
    ['have every place where nobody knows what they take', { costs: null, kvTokens: null }, 256],
  ])('%s', (_, pool, calls) => {
    const fleet = fleetOf(1, { ...KNOWN, ...pool })
    watched(fleet, 0)
    expect(filled(fleet, 1_000)).toBe(calls)
  })

  it('come where no prompt is being read', () => {
    const fleet = fleetOf(2, KNOWN)
    filled(fleet, 0, 2)
    const stay = placed(fleet, fleet.replicas[0]!, callOf({ inputTokens: 5_000 }), 5_000)
    const can = (replica: number, now: number) => hasPlace(fleet, fleet.replicas[replica]!, batchOf(), now)
    expect([can(0, 5_001), can(1, 5_001)]).toEqual([false, true])
    began(stay, 400, 5_400)
    expect(can(0, 5_400)).toBe(true)
  })

  it('give room back when they end', () => {
    const fleet = fleetOf(1, KNOWN)
    const state = fleet.replicas[0]!
    watched(fleet, 0)
    const stays = [1, 2, 3].map(i => placed(fleet, state, batchOf(), i * 1_000))
    for (const stay of stays) ended(fleet, stay, WHOLE, 4_000)
    expect(state.filling).toMatchObject({ calls: 0, heldTokens: 0 })
    expect(state.filling.stepMs).toBeCloseTo(0, 9)
  })

  it('are not what others keep places free for, unless they are alone', () => {
    const fleet = fleetOf(1, KNOWN)
    const held = { tried: [], tier: UNWATCHED }
    expect(lacksRoom(held, fleet, 0)).toBe(true)
    watched(fleet, 0)
    expect(lacksRoom(held, fleet, 0)).toBe(false)
    expect(lacksRoom(callOf(), fleet, 0)).toBe(true)
  })

  it('come to a replica that has nothing else to do, be it for the tenth time in a second', () => {
    const fleet = fleetOf(1, KNOWN)
    watched(fleet, 0)
    for (let now = 1; now < 1_000; now += 100) {
      const stay = placed(fleet, place(batchOf(), fleet, now)!.state, batchOf(), now)
      began(stay, 30, now + 30)
      expect(place(batchOf(), fleet, now + 40)).toBeNull()
      ended(fleet, stay, WHOLE, now + 90)
    }
  })

  it('come once in ten seconds where others leave no gap', () => {
    const fleet = fleetOf(1, KNOWN)
    const state = fleet.replicas[0]!
    const starts: number[] = []
    for (let now = 0; now < 60_000; now += 500) {
      placed(fleet, state, callOf({ inputTokens: 6_000, outputTokens: 0 }), now)
      state.inFlight = 1
      state.heldTokens = 0
      if (!hasPlace(fleet, state, batchOf(), now)) continue
      placed(fleet, state, batchOf(), now)
      state.inFlight = 1
      starts.push(now)
    }
    expect(starts).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000])
  })

  it('draw nobody away from a cached prompt, and send nobody to where somebody waits', () => {
    const fleet = fleetOf(2, { ...KNOWN, kvTokens: null })
    for (let i = 0; i < 4; i++) began(placed(fleet, fleet.replicas[0]!, batchOf(), 0), 30, 100)
    for (let i = 0; i < 3; i++) began(placed(fleet, fleet.replicas[1]!, callOf(), 0), 30, 100)
    expect(place(callOf(), fleet, 200)?.replica).toBe(0)
    expect(place(cachedCall(100, { 0: 90 }), fleet, 200)?.replica).toBe(0)
  })

  it('keep within their part of a replica, whatever happens', () => {
    const happening = fc.record({
      ms: fc.integer({ min: 1, max: 2_000 }),
      isBatch: fc.boolean(),
      inputTokens: fc.integer({ min: 1, max: 1_500 }),
      outputTokens: fc.integer({ min: 1, max: 300 }),
      ends: fc.nat(5),
    })
    let starts = 0
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 80 }), happenings => {
        const fleet = fleetOf(1, KNOWN)
        const state = fleet.replicas[0]!
        watched(fleet, 0)
        const stays: ReturnType<typeof placed>[] = []
        let [now, readMs, lastAt] = [0, 0, Number.NEGATIVE_INFINITY]
        for (const { ms, isBatch, inputTokens, outputTokens, ends } of happenings) {
          now += ms
          const call = isBatch ? batchOf({ inputTokens, outputTokens }) : callOf({ inputTokens, outputTokens })
          if (hasPlace(fleet, state, call, now)) {
            const isDue = now - lastAt >= 10_000 || state.inFlight === 0
            stays.push(placed(fleet, state, call, now))
            if (isBatch) {
              starts++
              if (!isDue) expect(state.filling.stepMs).toBeLessThanOrEqual(2 + 1e-9)
              if (!isDue) expect(state.filling.heldTokens).toBeLessThanOrEqual(2_000)
              // All but the last prompt, and those of calls that were due, was read in 3 % of the time.
              if (!isDue) expect(readMs).toBeLessThanOrEqual(0.03 * now + 1e-9)
              readMs = isDue ? readMs : readMs + inputTokens * COSTS.prefillTokenMs
              lastAt = now
            }
          }
          const stay = stays[ends]
          if (stay === undefined) continue
          began(stay, 10, now)
          ended(fleet, stay, WHOLE, now)
          stays.splice(ends, 1)
        }
      }),
    )
    expect(starts).toBeGreaterThan(100)
  })
})
