import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlockHasher } from './block-hash.ts'
import { createEngine, type EngineEvent, step, submit } from './engine.ts'
import { describeReplica, type ReplicaDescription } from './replica.ts'

const H100 = { kind: 'H100-SXM', count: 1 }
const FOREVER = Number.MAX_SAFE_INTEGER

interface Arrival {
  readonly atMs: number
  readonly promptTokens: number
  readonly outputTokens: number
  readonly content: number
}

interface Played {
  readonly events: readonly (EngineEvent & { readonly atMs: number })[]
  readonly durationMs: number
  readonly joules: number
  readonly steps: number
  readonly free: number
}

/** Plays arrivals on a virtual clock, at most so many steps at once. */
function play(
  description: Omit<ReplicaDescription, 'model' | 'accelerator'>,
  arrivals: readonly Arrival[],
  maxSteps: number,
  model = 'Llama-3.1-8B',
): Played {
  const engine = createEngine(describeReplica({ model, accelerator: H100, ...description }).options)
  const events: (EngineEvent & { atMs: number })[] = []
  const sum = { durationMs: 0, joules: 0, steps: 0 }
  let now = 0
  let next = 0
  for (;;) {
    for (; next < arrivals.length && arrivals[next]!.atMs <= now; next++) {
      const { promptTokens, outputTokens, content } = arrivals[next]!
      const hasher = new BlockHasher(16)
      for (let i = 0; i < promptTokens + outputTokens; i++) hasher.push(i < 32 ? content : content * 1000 + (i >> 6))
      submit(engine, { id: next, promptTokens, outputTokens, hashes: hasher.hashes() })
    }
    const horizonMs = next < arrivals.length ? arrivals[next]!.atMs - now : Infinity
    const outcome = step(engine, { maxSteps, horizonMs })
    now += outcome.durationMs
    sum.durationMs += outcome.durationMs
    sum.joules += outcome.joules
    sum.steps += outcome.steps
    for (const event of outcome.events) events.push({ ...event, atMs: now })
    if (outcome.steps > 0) continue
    if (next >= arrivals.length) return { ...sum, events, free: engine.cache.free }
    now = arrivals[next]!.atMs
  }
}

const arrivals = fc
  .array(
    fc.record({
      atMs: fc.integer({ min: 0, max: 3000 }),
      promptTokens: fc.integer({ min: 1, max: 700 }),
      outputTokens: fc.integer({ min: 1, max: 120 }),
      content: fc.integer({ min: 1, max: 4 }),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map(all => all.toSorted((a, b) => a.atMs - b.atMs))

describe('an engine', () => {
  it('tells the first token, then the others, then the end, with the cached tokens', () => {
    const one = { atMs: 0, promptTokens: 33, outputTokens: 3, content: 1 }
    const { events } = play({ tokenEvents: true }, [one, { ...one, atMs: 1000, outputTokens: 1 }], 1)
    expect(events.map(({ atMs, ...event }) => event)).toEqual([
      { kind: 'firstToken', id: 0, cachedTokens: 0 },
      { kind: 'tokens', id: 0, count: 1 },
      { kind: 'tokens', id: 0, count: 1 },
      { kind: 'finished', id: 0, cachedTokens: 0, outputTokens: 3, preemptions: 0 },
      { kind: 'firstToken', id: 1, cachedTokens: 32 },
      { kind: 'finished', id: 1, cachedTokens: 32, outputTokens: 1, preemptions: 0 },
    ])
  })

  it('gives the same when steps are joined as when they are taken one by one', () => {
    const seen = { joined: 0, preempted: 0 }
    fc.assert(
      fc.property(
        arrivals,
        fc.constantFrom('Llama-3.1-8B', 'gpt-oss-20b'),
        fc.constantFrom(60, 120, 5000),
        (all, model, kvBlocks) => {
          const description = { kvBlocks, limits: { stepTokens: 256, maxSequences: 6 } }
          const single = play(description, all, 1, model)
          const joined = play(description, all, FOREVER, model)
          expect(joined.steps).toBe(single.steps)
          expect(joined.durationMs).toBeCloseTo(single.durationMs, 5)
          expect(joined.joules / single.joules).toBeCloseTo(1, 6)
          const plain = ({ events }: Played) =>
            events.map(({ atMs, ...event }) => ({ ...event, at: Math.round(atMs * 1e3) }))
          expect(plain(joined)).toEqual(plain(single))
          seen.preempted += joined.events.filter(({ kind }) => kind === 'preempted').length
          seen.joined += single.steps
        },
      ),
      { numRuns: 60 },
    )
    expect(Math.min(seen.preempted, seen.joined)).toBeGreaterThan(0)
  })

  it('serves every request whole, whatever the pressure, and has all blocks back in the end', () => {
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 53, max: 200 }), (all, kvBlocks) => {
        const { events, free } = play({ kvBlocks, tokenEvents: true }, all, FOREVER)
        for (const [id, { promptTokens, outputTokens }] of all.entries()) {
          const own = events.filter(event => event.id === id)
          const told = own.reduce(
            (sum, event) => sum + (event.kind === 'tokens' ? event.count : event.kind === 'firstToken' ? 1 : 0),
            0,
          )
          expect(told).toBe(outputTokens)
          expect(own.filter(({ kind }) => kind === 'firstToken' || kind === 'finished')).toHaveLength(2)
          const ended = own.at(-1)!
          expect(ended.kind === 'finished' && ended.cachedTokens < promptTokens).toBe(true)
        }
        expect(free).toBe(kvBlocks - 1)
      }),
      { numRuns: 60 },
    )
  })

  it('is the same every time', () => {
    fc.assert(
      fc.property(arrivals, all => {
        expect(play({}, all, FOREVER)).toEqual(play({}, all, FOREVER))
      }),
      { numRuns: 10 },
    )
  })

  it('joins steps up to the horizon and no further', () => {
    const engine = createEngine(describeReplica({ model: 'Llama-3.1-8B', accelerator: H100 }).options)
    submit(engine, { id: 1, promptTokens: 10, outputTokens: 1000, hashes: new Float64Array() })
    step(engine)
    const one = step(engine).durationMs
    const many = step(engine, { maxSteps: FOREVER, horizonMs: 20.5 * one })
    expect(many.steps).toBe(21)
    expect(many.durationMs).toBeGreaterThan(20.5 * one)
    expect(step(engine, { maxSteps: 5, horizonMs: Infinity }).steps).toBe(5)
    expect(step(engine, { maxSteps: FOREVER, horizonMs: Infinity })).toMatchObject({ steps: 999 - 1 - 21 - 5 })
  })
})
