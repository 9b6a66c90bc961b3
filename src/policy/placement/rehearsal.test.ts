import { describe, expect, it } from 'vitest'
import { type Played, play, type Script } from './rehearsal.fixture.ts'

/** Conversations that the caches hold once with some room to spare, more of them than are answered at once. */
const TALKS: Script = {
  policy: 'penstock',
  seed: 1,
  replicas: 4,
  maxRunning: 6,
  cacheBlocks: 6 * 200,
  conversations: 24,
  turns: 8,
  blocks: { everyones: 0, own: 94, turn: 10 },
  outputTokens: 10,
  gapMs: 15,
  thinkMs: 100,
}
/** Every turn but the first finds what the one before it had. */
const BEST_SHARE = talkShare(TALKS)

function talkShare({ turns, blocks: { own, turn } }: Script): number {
  const inputs = Array.from({ length: turns }, (_, i) => own + (i + 1) * turn)
  const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0)
  return sum(inputs.slice(0, -1)) / sum(inputs)
}

const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length
const least = ({ calls }: Played) => Math.min(...calls) / mean(calls)
const most = ({ calls }: Played) => Math.max(...calls) / mean(calls)
const SEEDS = [1, 2, 3, 4, 5]

describe('in a rehearsal of conversations', () => {
  it.each(SEEDS)('each stays where it is cached, and no replica idles (seed %i)', seed => {
    for (const replicas of [2, 4]) {
      const played = play({ ...TALKS, seed, replicas, conversations: 6 * replicas })
      expect(played.cachedShare).toBeGreaterThan(0.9 * BEST_SHARE)
      expect(least(played)).toBeGreaterThan(0.6)
      expect(played.expectedShare).toBeCloseTo(played.cachedShare, 1)
    }
  })

  it('first tokens come sooner than by any of the other policies', () => {
    const ours = play(TALKS)
    for (const policy of ['roundRobin', 'leastLoaded'] as const) {
      const other = play({ ...TALKS, policy })
      expect(ours.cachedShare).toBeGreaterThan(1.3 * other.cachedShare)
      expect(mean(ours.firstTokenMs)).toBeLessThan(0.8 * mean(other.firstTokenMs))
    }
    const matching = play({ ...TALKS, policy: 'prefixAware' })
    expect(mean(ours.firstTokenMs)).toBeLessThan(1.05 * mean(matching.firstTokenMs))
  })

  it('a prefix that all share fills every replica, and none beyond its places', () => {
    const shared = { ...TALKS, maxRunning: 3, conversations: 90, turns: 1, blocks: { everyones: 125, own: 0, turn: 1 } }
    const played = play({ ...shared, replicas: 3, gapMs: 1 })
    expect(played.mostAtOnce).toEqual([3, 3, 3])
    expect(least(played)).toBeGreaterThan(0.7)
  })

  it.each(SEEDS)('calls that share nothing are spread evenly, alone or many at once (seed %i)', seed => {
    for (const gapMs of [1, 30, 1_000]) {
      const played = play({
        ...TALKS,
        seed,
        conversations: 200,
        turns: 1,
        blocks: { everyones: 0, own: 0, turn: 12 },
        gapMs,
      })
      expect(least(played)).toBeGreaterThan(0.8)
      expect(most(played)).toBeLessThan(1.2)
    }
  })

  it('replicas share light work whose prompts all begin alike, once each has read that beginning', () => {
    const alike = { ...TALKS, cacheBlocks: 20_000, blocks: { everyones: 60, own: 0, turn: 6 }, outputTokens: 100 }
    const played = play({ ...alike, replicas: 8, maxRunning: 32, conversations: 400, turns: 1, gapMs: 100 })
    expect(least(played)).toBeGreaterThan(0.5)
    expect(played.cachedShare).toBeGreaterThan(0.85)
    const talking = play({ ...alike, replicas: 2, conversations: 12, turns: 6, outputTokens: 3, thinkMs: 50 })
    expect(least(talking)).toBeGreaterThan(0.5)
  })

  it('calls without any block are spread evenly too', () => {
    const played = play({
      ...TALKS,
      conversations: 200,
      turns: 1,
      blocks: { everyones: 0, own: 0, turn: 0 },
      gapMs: 200,
    })
    expect(least(played)).toBeGreaterThan(0.9)
  })

  it('a slow replica gets fewer calls than a fast one, and some', () => {
    const two = { ...TALKS, replicas: 2, maxRunning: 4, slow: { 0: 7 }, conversations: 6, turns: 40, thinkMs: 1 }
    const played = play({ ...two, blocks: { everyones: 0, own: 0, turn: 0 } })
    expect(played.calls[0]).toBeLessThan(0.6 * played.calls[1]!)
    expect(played.calls[0]).toBeGreaterThan(0)
  })
})
