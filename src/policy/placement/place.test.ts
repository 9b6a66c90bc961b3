import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { began, ended, hasPlace, placed, type ReplicaState } from './fleet.ts'
import { place } from './place.ts'
import { cachedCall, callOf, fleetOf } from './placement.fixture.ts'
import { PLACEMENT_POLICIES, placementOf } from './policies.ts'

const WHOLE = { isWhole: true, outputTokens: 10 }

describe('a call goes', () => {
  it('where its prompt is cached', () => {
    expect(place(cachedCall(100, { 2: 95 }), fleetOf(4), 0)).toMatchObject({ replica: 2, expectedCachedTokens: 1_520 })
  })

  it('where its prompt is cached though others run there, while that costs less than reading it anew', () => {
    const fleet = fleetOf(4)
    for (let i = 0; i < 3; i++) began(placed(fleet, fleet.replicas[2]!, callOf(), 0), 20, 20)
    expect(place(cachedCall(1_000, { 2: 990 }), fleet, 30)?.replica).toBe(2)
  })

  it('elsewhere when the wait for a cached prompt is longer than reading it anew', () => {
    const fleet = fleetOf(4)
    for (let i = 0; i < 3; i++) placed(fleet, fleet.replicas[2]!, cachedCall(2_000, {}), 0)
    expect(place(cachedCall(100, { 2: 95 }), fleet, 0)?.replica).not.toBe(2)
    // By then the prompts that were ahead of it have been read, though nobody said so.
    expect(place(cachedCall(1_000, { 2: 950 }, { outputTokens: 1 }), fleet, 60_000)?.replica).toBe(2)
  })

  it('elsewhere when the replica that has it cached is full, and nowhere when all are', () => {
    const fleet = fleetOf(2, { maxRunning: 1 })
    placed(fleet, fleet.replicas[0]!, callOf(), 0)
    expect(place(cachedCall(10, { 0: 10 }), fleet, 0)?.replica).toBe(1)
    placed(fleet, fleet.replicas[1]!, callOf(), 0)
    expect(place(callOf(), fleet, 0)).toBeNull()
  })

  it('nowhere yet when so much is cached at a full replica that it is worth waiting for, but not for ever', () => {
    const fleet = fleetOf(2, { maxRunning: 1 })
    placed(fleet, fleet.replicas[0]!, callOf(), 0)
    expect(place(cachedCall(5_000, { 0: 5_000 }), fleet, 0)).toBeNull()
    expect(place(cachedCall(5_000, { 0: 5_000 }, { waitedMs: 20_000 }), fleet, 0)?.replica).toBe(1)
    expect(place(cachedCall(5_000, { 0: 5_000 }, { patienceMs: 500 }), fleet, 0)?.replica).toBe(1)
  })

  it('where fewest are under way, then where least is cached, then where none has gone for longest', () => {
    const fleet = fleetOf(3)
    fleet.replicas[0]!.cachedBlocks = 50
    expect(place(cachedCall(3, {}, { draw: 0.99 }), fleet, 0)?.replica).toBe(2)
    placed(fleet, fleet.replicas[2]!, callOf(), 0)
    expect(place(cachedCall(3, {}), fleet, 0)?.replica).toBe(1)
    const turns = Array.from({ length: 6 }, (_, i) => {
      const { state } = place(callOf(), fleet, i)!
      ended(fleet, placed(fleet, state, callOf(), i), WHOLE, i)
      return state.replica
    })
    expect(turns).toEqual([0, 1, 0, 1, 0, 1])
  })

  it('by the draw where nothing else decides', () => {
    const seen = new Set([0, 0.3, 0.6, 0.99].map(draw => place(callOf({ draw }), fleetOf(4), 0)?.replica))
    expect(seen.size).toBe(4)
  })

  it('where a cache has room, rather than where it drives out what others need', () => {
    const fleet = fleetOf(2)
    Object.assign(fleet.replicas[0]!, { cachedBlocks: 1_000, cacheBlocks: 1_000 })
    Object.assign(fleet.replicas[1]!, { cachedBlocks: 1_500, cacheBlocks: 4_000 })
    expect(place(cachedCall(300, {}), fleet, 0)?.replica).toBe(1)
    Object.assign(fleet.replicas[0]!, { cacheBlocks: 4_000 })
    expect(place(cachedCall(300, {}), fleet, 0)?.replica).toBe(0)
  })

  it('away from where its tier would miss its target, though waiting there is cheaper for the accelerators', () => {
    const at = (timeToFirstTokenMs: number) => {
      const fleet = fleetOf(2)
      placed(fleet, fleet.replicas[0]!, callOf({ inputTokens: 17_600, outputTokens: 1 }), 0)
      const tier = { timeToFirstTokenMs, missedTargetDollars: 10_000_000n }
      return place(cachedCall(1_000, { 0: 1_000 }, { tier, outputTokens: 1 }), fleet, 0)?.replica
    }
    expect([at(60_000), at(850)]).toEqual([0, 1])
  })

  it.each<[string, Partial<ReplicaState>, readonly number[], number]>([
    ['not to one that drains', { isDraining: true }, [], 1],
    ['not to one that is left alone', { standing: 'left' }, [], 1],
    ['to one that recovers only where no other may be asked', { standing: 'recovering' }, [], 1],
    ['to one that recovers rather than to one that has failed it', { standing: 'recovering' }, [1], 0],
    ['not to one that has failed it', {}, [0], 1],
    ['to one that has failed it where all have', {}, [0, 1], 0],
  ])('%s', (_, state, tried, replica) => {
    const fleet = fleetOf(2)
    Object.assign(fleet.replicas[0]!, state)
    expect(place(cachedCall(1_000, { 0: 1_000 }, { tried }), fleet, 0)?.replica).toBe(replica)
  })

  it('nowhere yet where only one that recovers, or has failed it, has a place', () => {
    const fleet = fleetOf(2, { maxRunning: 1 })
    placed(fleet, fleet.replicas[0]!, callOf(), 0)
    expect(place(callOf({ tried: [1] }), fleet, 0)).toBeNull()
    fleet.replicas[1]!.standing = 'recovering'
    expect(place(callOf(), fleet, 0)).toBeNull()
    fleet.replicas[0]!.standing = 'left'
    expect(place(callOf(), fleet, 0)?.replica).toBe(1)
  })

  it('to a slow replica only when fast ones are busier than it is slow', () => {
    const fleet = fleetOf(2)
    for (let i = 0; i < 20; i++) {
      for (const [replica, ms] of [
        [0, 400],
        [1, 40],
      ] as const) {
        const stay = placed(fleet, fleet.replicas[replica]!, callOf(), i * 500)
        began(stay, ms, i * 500 + ms)
        ended(fleet, stay, WHOLE, i * 500 + ms)
      }
    }
    expect(place(callOf(), fleet, 10_000)?.replica).toBe(1)
    expect(place(callOf({ draw: 0 }), fleet, 100_000)?.replica).toBe(0)
  })

  it('only where its tokens fit in the KV cache, what it shares with calls under way counted once', () => {
    const fleet = fleetOf(1, { kvTokens: 20_000, maxRunning: 100 })
    const state = fleet.replicas[0]!
    const shared = cachedCall(512, {}, { outputTokens: 500 })
    let calls = 0
    for (; hasPlace(fleet, state, shared, 0); calls++) placed(fleet, state, shared, 0)
    expect(calls).toBe(1 + Math.floor((19_000 - 8_692) / 500))
    const other = callOf({ inputTokens: 8_192, outputTokens: 500 })
    expect(hasPlace(fleet, state, other, 0)).toBe(false)
    expect(hasPlace(fleetOf(1, { kvTokens: 1_000 }), fleetOf(1).replicas[0]!, other, 0)).toBe(true)
  })

  it('at once where its tokens fit in no KV cache, however empty: the engine says so, and nobody waits for it', () => {
    const fleet = fleetOf(1, { kvTokens: 20_000 })
    const state = fleet.replicas[0]!
    placed(fleet, state, callOf(), 0)
    expect(hasPlace(fleet, state, callOf({ inputTokens: 18_990 }), 0)).toBe(false)
    expect(hasPlace(fleet, state, callOf({ inputTokens: 18_991 }), 0)).toBe(true)
  })
})

describe('every policy', () => {
  const state = fc.record({
    standing: fc.constantFrom('ready' as const, 'recovering' as const, 'left' as const),
    isDraining: fc.boolean(),
    inFlight: fc.nat(10),
    cachedBlocks: fc.nat(1_000),
    lastTurn: fc.nat(50),
  })
  const asked = fc.record({
    states: fc.array(state, { minLength: 1, maxLength: 12 }),
    blocks: fc.nat(60),
    cached: fc.array(fc.nat(60), { maxLength: 12 }),
    tried: fc.array(fc.nat(11), { maxLength: 4 }),
    draw: fc.double({ min: 0, max: 0.999, noNaN: true }),
    target: fc.constantFrom(null, 1_000),
  })

  it.each(PLACEMENT_POLICIES)('finds a place wherever one that should be asked has one, and no other: %s', policy => {
    let [found, none] = [0, 0]
    fc.assert(
      fc.property(asked, ({ states, blocks, cached, tried, draw, target }) => {
        const fleet = fleetOf(states.length)
        for (const [i, each] of states.entries()) Object.assign(fleet.replicas[i]!, each)
        const matches = Object.fromEntries(cached.map((known, i) => [i, Math.min(known, blocks)]))
        const tier = { timeToFirstTokenMs: target, missedTargetDollars: 10_000_000n }
        const placement = placementOf(policy)(cachedCall(blocks, matches, { tried, draw, tier }), fleet, 100)
        const rank = (s: ReplicaState) => (tried.includes(s.replica) ? 2 : 0) + (s.standing === 'recovering' ? 1 : 0)
        const askable = fleet.replicas.filter(s => s.standing !== 'left' && !s.isDraining)
        const best = Math.min(...askable.map(rank))
        const open = askable.filter(s => rank(s) === best && s.inFlight < 8)
        if (placement === null) none++
        else found++
        if (open.length === 0) expect(placement).toBeNull()
        else expect(open).toContain(placement?.state)
      }),
    )
    expect(Math.min(found, none)).toBeGreaterThan(5)
  })
})

it('what calls take of a replica is given back to the last token when they have ended, in whatever order', () => {
  const history = fc.array(fc.record({ blocks: fc.nat(40), begins: fc.boolean(), order: fc.nat(), ms: fc.nat(500) }), {
    maxLength: 30,
  })
  fc.assert(
    fc.property(history, calls => {
      const fleet = fleetOf(1, { maxRunning: 1_000 })
      const state = fleet.replicas[0]!
      const stays = calls.map(({ blocks, begins, order, ms }) => {
        const stay = placed(fleet, state, cachedCall(blocks, {}), ms)
        if (begins) began(stay, ms, 2 * ms)
        return { stay, order }
      })
      expect(state.inFlight).toBe(calls.length)
      for (const { stay } of stays.sort((a, b) => a.order - b.order)) ended(fleet, stay, WHOLE, 2_000)
      expect(state).toMatchObject({ inFlight: 0, contextTokens: 0, heldTokens: 0 })
      expect(state.prefillMs).toBeCloseTo(0, 6)
      expect(state.beginnings.size + fleet.beginnings.size).toBe(0)
    }),
  )
})
