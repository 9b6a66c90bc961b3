import { describe, expect, it } from 'vitest'
import { QUIET, stageFleet } from './stage.fixture.ts'

const replicaOf = (stage: ReturnType<typeof stageFleet>, replica: number) =>
  stage.desk.report().upstreams[0]!.replicas[replica]!

describe('what engines say', () => {
  it('is shown with its age', () => {
    const stage = stageFleet()
    stage.listener.heard(1, { ...QUIET, running: 5, waiting: 3, kvUse: 0.42 }, stage.clock.monotonic())
    stage.clock.pass(700)
    expect(replicaOf(stage, 1)).toMatchObject({
      running: 5,
      waiting: 3,
      kvUse: 0.42,
      metricsAgeMs: 700,
      state: 'ready',
    })
    expect(replicaOf(stage, 0)).toMatchObject({ running: null, waiting: null, kvUse: null, metricsAgeMs: null })
  })

  it('is not taken for calls of others where own calls ended before it was heard', () => {
    const stage = stageFleet({ replicas: 1, pool: { maxRunning: 4 } })
    for (let reading = 0; reading < 3; reading++) {
      const calls = stage.fill(4)
      const askedAt = stage.clock.monotonic()
      stage.clock.pass(20)
      for (const call of calls.slice(1)) call.ends()
      stage.listener.heard(0, { ...QUIET, running: 4 }, askedAt)
      const more = stage.fill(3)
      expect(more.map(({ answer }) => answer?.kind)).toEqual(['place', 'place', 'place'])
      for (const call of [calls[0]!, ...more]) call.ends()
      stage.clock.pass(1_000)
    }
  })

  it('never blocks a fleet on which nothing is under way, however full it was said to be', () => {
    const stage = stageFleet()
    for (const replica of [0, 1]) {
      for (let i = 0; i < 2; i++) {
        stage.listener.heard(replica, { ...QUIET, running: 2, waiting: 30 }, stage.clock.monotonic())
      }
    }
    expect(stage.ask('a').answer?.kind).toBe('place')
  })
})

describe('a prompt that was sent before', () => {
  const prompt = { hashes: Float64Array.from({ length: 20 }, (_, i) => i + 1), blockTokens: 64 }
  const ask = { prompt, tokens: { input: 1_300, output: 20 } }

  it('is expected where it went, and nowhere else', () => {
    const stage = stageFleet({ replicas: 3 })
    const first = stage.ask('first', ask)
    expect(first.place().expectedCachedTokens).toBe(0)
    first.ends()
    const second = stage.ask('second', ask)
    expect(second.place()).toMatchObject({ replica: first.place().replica, expectedCachedTokens: 1_280 })
    second.ends()
    const other = { hashes: Float64Array.from({ length: 20 }, (_, i) => i + 100), blockTokens: 64 }
    expect(stage.ask('other', { ...ask, prompt: other }).place().expectedCachedTokens).toBe(0)
    const { expectedCachedShare } = replicaOf(stage, first.place().replica)
    expect(expectedCachedShare).toBeCloseTo(1_280 / 1_300 / (1 + 0.98), 5)
  })

  it('is not expected of a replica that went and came back as another', () => {
    const stage = stageFleet({ replicas: 1 })
    stage.ask('first', ask).ends()
    stage.listener.gone(0)
    stage.listener.appeared(0, 'http://engine-7', null)
    expect(stage.ask('second', ask).place().expectedCachedTokens).toBe(0)
  })

  it('is expected no more where the engine says that its cache has let it go', () => {
    const stage = stageFleet({ replicas: 1 })
    const change = (kind: 'stored' | 'removed' | 'cleared', tokens: number) =>
      stage.listener.cached!(0, { kind, blocks: tokens / 16, tokens })
    change('cleared', 0)
    stage.ask('first', ask).ends()
    change('stored', 1_280)
    change('removed', 640)
    const second = stage.ask('second', ask)
    expect(second.place().expectedCachedTokens).toBe(640)
    second.ends()
    change('cleared', 0)
    expect(stage.ask('third', ask).place().expectedCachedTokens).toBe(0)
  })

  it('is told in tokens as the engine counts them, where these are fewer than were guessed', () => {
    const stage = stageFleet({ replicas: 1 })
    for (let i = 0; i < 30; i++) stage.ask('again', ask).ends(20, { inputTokens: 1_000, cachedInputTokens: 960 })
    const { expectedCachedTokens } = stage.ask('last', ask).place()
    expect(expectedCachedTokens).toBeGreaterThan(960)
    expect(expectedCachedTokens).toBeLessThan(1_000)
  })

  it('is expected less of a cache that turned out to be smaller', () => {
    const stage = stageFleet({ replicas: 1 })
    stage.ask('first', ask).ends(20, { inputTokens: 1_300, cachedInputTokens: 100 })
    stage.ask('second', ask).ends(20, { inputTokens: 1_300, cachedInputTokens: 100 })
    expect(stage.ask('third', ask).place().expectedCachedTokens).toBeLessThan(1_280)
  })

  it('is expected as before when an answer broke off, of which nothing is reported', () => {
    const stage = stageFleet({ replicas: 1 })
    for (const name of ['first', 'second']) {
      stage.ask(name, ask).ends(20, { inputTokens: 1_300, cachedInputTokens: name === 'first' ? 0 : 1_280 })
    }
    for (let i = 0; i < 5; i++) stage.ask(`cut-${i}`, ask).ends(3, { inputTokens: 1_300, source: 'estimated' })
    expect(stage.ask('third', ask).place().expectedCachedTokens).toBe(1_280)
  })

  it('is expected as before when calls without a prompt were there meanwhile', () => {
    const stage = stageFleet({ replicas: 1 })
    const running = stage.ask('first', ask)
    stage.ask('second', ask).ends(20, { inputTokens: 1_300, cachedInputTokens: 1_280 })
    stage.ask('without').ends()
    running.ends(20, { inputTokens: 1_300, cachedInputTokens: 0 })
    const third = stage.ask('third', ask)
    stage.ask('without, too')
    third.ends(20, { inputTokens: 1_300, cachedInputTokens: 100 })
    expect(stage.ask('fourth', ask).place().expectedCachedTokens).toBeGreaterThan(1_100)
  })
})
