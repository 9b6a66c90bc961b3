import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEngine, type EngineOptions, step, submit } from '../simulation/engine.ts'
import { describeReplica } from '../simulation/replica.ts'
import { VirtualClock } from './clock.ts'
import { ModelledReplica } from './replica.ts'
import { Work } from './work.ts'

interface Asked {
  readonly at: number
  readonly promptTokens: number
  readonly outputTokens: number
}

interface Told {
  first: number
  last: number
}

const NO_HASHES = new Float64Array(0)

function optionsOf(kvBlocks: number): EngineOptions {
  return describeReplica({ model: 'Llama-3.1-8B', accelerator: { kind: 'H100-SXM', count: 1 }, kvBlocks }).options
}

/** When each request got its first and its last token, with every step of the engine done by itself. */
function stepByStep(options: EngineOptions, asked: readonly Asked[]): { told: Told[]; joules: number; busyMs: number } {
  const engine = createEngine(options)
  const told = asked.map(() => ({ first: Number.NaN, last: Number.NaN }))
  let [now, next, joules, busyMs] = [0, 0, 0, 0]
  for (;;) {
    for (; next < asked.length && asked[next]!.at <= now; next++) {
      submit(engine, { id: next, ...asked[next]!, hashes: NO_HASHES })
    }
    const outcome = step(engine)
    now += outcome.durationMs
    joules += outcome.joules
    busyMs += outcome.durationMs
    for (const event of outcome.events) {
      if (event.kind === 'firstToken') told[event.id]!.first = now
      if (event.kind === 'finished') told[event.id]!.last = now
    }
    if (outcome.steps > 0) continue
    if (next === asked.length) return { told, joules, busyMs }
    now = Math.max(now, asked[next]!.at)
  }
}

function onTheClock(options: EngineOptions, asked: readonly Asked[]) {
  const clock = new VirtualClock(0)
  const work = new Work(0)
  let completedAt = 0
  const replica = new ModelledReplica(options, clock, { work, completedAt: () => completedAt })
  const told = asked.map(() => ({ first: Number.NaN, last: Number.NaN }))
  for (const [id, { at, ...lengths }] of asked.entries()) {
    clock.after(at, () => {
      replica.add({ id, ...lengths, hashes: NO_HASHES }, event => {
        if (event.kind === 'firstToken') told[id]!.first = clock.monotonic()
        if (event.kind === 'finished') told[id]!.last = completedAt = clock.monotonic()
      })
    })
  }
  clock.run()
  const { joules, busyMs } = work.until(completedAt)
  return { told, joules, busyMs, isIdle: replica.isIdle }
}

const asked = fc
  .array(
    fc.record({
      // Fractions keep arrivals from falling onto the very end of a step, where either order is right.
      at: fc.nat(4_000).map(at => at + 0.123_456_7),
      promptTokens: fc.integer({ min: 1, max: 3_000 }),
      outputTokens: fc.integer({ min: 1, max: 120 }),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map(list => list.sort((one, other) => one.at - other.at))

describe('a replica on the clock', () => {
  it.each([
    ['with room for all', 20_000],
    ['with a cache so small that sequences are preempted and wait', 260],
  ])('gives tokens when the engine gives them that does each step by itself, %s', (_, kvBlocks) => {
    const options = optionsOf(kvBlocks)
    fc.assert(
      fc.property(asked, list => {
        const expected = stepByStep(options, list)
        const found = onTheClock(options, list)
        for (const [i, { first, last }] of expected.told.entries()) {
          expect(found.told[i]!.first).toBeCloseTo(first, 4)
          expect(found.told[i]!.last).toBeCloseTo(last, 4)
        }
        expect(found.joules / expected.joules).toBeCloseTo(1, 6)
        expect(found.busyMs / expected.busyMs).toBeCloseTo(1, 6)
        expect(found.isIdle).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('lets go of a sequence that is broken off, and goes on with the others', () => {
    const clock = new VirtualClock(0)
    const replica = new ModelledReplica(optionsOf(20_000), clock, { work: new Work(0), completedAt: () => 0 })
    const heard: string[] = []
    for (const id of [1, 2]) {
      const request = { id, promptTokens: 100, outputTokens: 200, hashes: NO_HASHES }
      replica.add(request, event => heard.push(`${event.kind} ${id}`))
    }
    clock.after(500, () => replica.remove(1))
    clock.run()
    expect(heard).toEqual(['firstToken 1', 'firstToken 2', 'finished 2'])
    expect(replica.load).toMatchObject({ running: 0, waiting: 0, kvUse: 0 })
  })
})
