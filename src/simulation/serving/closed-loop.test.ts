import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accelerator } from '../accelerators.ts'
import { MODELLED_ENGINES } from '../coefficients.ts'
import { createEngine, step, submit } from '../engine.ts'
import { COEFFICIENTS } from '../fitted.ts'
import { model } from '../models.ts'
import { describeReplica } from '../replica.ts'
import { versionFactor, versionKeys } from '../versions.ts'
import { closedLoop } from './closed-loop.ts'
import type { ServingPoint } from './point.ts'

function pointOf(name: string, kind: string, tensorParallel: number, use: Partial<ServingPoint> = {}): ServingPoint {
  const found = model(name)
  const { precision, expertPrecision } = found
  return {
    shape: {
      ...{ model: found, accelerator: accelerator(kind), tensorParallel, dataParallel: 1 },
      ...{ engine: 'vllm', precision, expertPrecision, kvBytes: 2 },
    },
    engineVersion: 'none that was measured',
    ...{ pipelineParallel: 1, concurrency: 16, promptTokens: 1024, outputTokens: 512, exactLengths: false },
    ...use,
  }
}

/** A generator of numbers from 0 to 1 that is the same every time. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Plays a closed loop on the simulated engine: means over the calls that begin after the first ones have ended. */
function played({ shape, concurrency, promptTokens, outputTokens }: ServingPoint, rounds: number) {
  const { model: found, accelerator: kind, tensorParallel } = shape
  const engine = createEngine(
    describeReplica({ model: found.name, accelerator: { kind: kind.name, count: tensorParallel } }).options,
  )
  const random = chance(7)
  const begun = new Map<number, { readonly at: number; readonly output: number; first: number }>()
  const sums = { calls: 0, firstMs: 0, outputTokenMs: 0 }
  let now = 0
  let next = 0
  const begin = () => {
    const [prompt, output] = [promptTokens, outputTokens].map(most => Math.ceil(most * (0.8 + 0.2 * random())))
    begun.set(next, { at: now, output: output!, first: 0 })
    submit(engine, { id: next++, promptTokens: prompt!, outputTokens: output!, hashes: new Float64Array() })
  }
  for (let i = 0; i < concurrency; i++) begin()
  while (next < rounds * concurrency) {
    const { durationMs, events } = step(engine, { maxSteps: Number.MAX_SAFE_INTEGER, horizonMs: Infinity })
    now += durationMs
    for (const { id, kind } of events) {
      const call = begun.get(id)!
      if (kind === 'firstToken') call.first = now
      if (kind !== 'finished') continue
      begin()
      if (id < 2 * concurrency) continue
      sums.calls++
      sums.firstMs += call.first - call.at
      sums.outputTokenMs += (now - call.first) / (call.output - 1)
    }
  }
  return { timeToFirstTokenMs: sums.firstMs / sums.calls, timePerOutputTokenMs: sums.outputTokenMs / sums.calls }
}

/** What the simulated engine knows nothing of: the way to the server and back, benchmarks that begin all at once. */
const LOOP = {
  ...{ ingressMs: 0, ingressTokenUs: 0, ingressCallUs: 0, coldMs: 0, burst: 0, expertWait: 1 },
  ...{ clusteredPrefills: 0, clusteringExponent: 1, queueing: 0.5, gathering: 0 },
}
const ANY_SET_UP = { ...COEFFICIENTS, versions: {}, firstTokens: {} }
const UNDISTURBED = { ...ANY_SET_UP, loops: { ...COEFFICIENTS.loops, vllm: { exact: LOOP, varied: LOOP } } }

describe('a closed loop', () => {
  it.each([
    pointOf('Llama-3.1-8B', 'H100', 1),
    pointOf('Llama-3.1-8B', 'H100', 1, { concurrency: 64 }),
    pointOf('Llama-3.1-70B', 'H200', 4, { concurrency: 32, promptTokens: 4096 }),
    pointOf('Qwen3-32B', 'B200', 1, { concurrency: 4, promptTokens: 8192, outputTokens: 1024 }),
    pointOf('gpt-oss-120b', 'B200', 2, { concurrency: 32 }),
    pointOf('MiniMax-M2.5', 'H200', 8, { concurrency: 48, promptTokens: 2048 }),
  ])(
    'takes 8 % more or less for a token than the engine that is simulated step by step, and its first token comes within 35 %: $shape.model.name, $concurrency',
    point => {
      const { timeToFirstTokenMs, timePerOutputTokenMs } = closedLoop(point, UNDISTURBED)!
      const simulated = played(point, 8)
      expect(Math.abs(timePerOutputTokenMs / simulated.timePerOutputTokenMs - 1)).toBeLessThan(0.08)
      expect(Math.abs(timeToFirstTokenMs / simulated.timeToFirstTokenMs - 1)).toBeLessThan(0.35)
    },
  )

  it('waits for room where the KV cache is too small for all, as the simulated engine does', () => {
    const point = pointOf('Llama-3.1-8B', 'RTX-4090', 1, { concurrency: 64, promptTokens: 2048, outputTokens: 256 })
    const few = closedLoop({ ...point, concurrency: 8 }, UNDISTURBED)!
    const many = closedLoop(point, UNDISTURBED)!
    const simulated = played(point, 8)
    expect(many.timeToFirstTokenMs).toBeGreaterThan(10 * few.timeToFirstTokenMs)
    expect(many.timeToFirstTokenMs / simulated.timeToFirstTokenMs).toBeGreaterThan(0.6)
    expect(many.timeToFirstTokenMs / simulated.timeToFirstTokenMs).toBeLessThan(1.5)
  })

  const points = fc.record({
    name: fc.constantFrom('Llama-3.1-8B', 'Llama-3.1-70B', 'Qwen3-235B-A22B', 'gpt-oss-120b', 'DeepSeek-R1'),
    engine: fc.constantFrom(...MODELLED_ENGINES),
    exactLengths: fc.boolean(),
    promptTokens: fc.integer({ min: 16, max: 20_000 }),
    outputTokens: fc.integer({ min: 16, max: 4000 }),
    concurrency: fc.integer({ min: 1, max: 600 }),
  })

  it('gives each call no more when there are more calls', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 1, max: 400 }), ({ name, engine, ...use }, more) => {
        const point = pointOf(name, 'B200', 8, use)
        const shape = { ...point.shape, engine }
        const few = closedLoop({ ...point, shape })!
        const many = closedLoop({ ...point, shape, concurrency: use.concurrency + more })!
        expect(many.timePerOutputTokenMs).toBeGreaterThanOrEqual(0.999 * few.timePerOutputTokenMs)
      }),
      { numRuns: 400 },
    )
  })

  it('takes no longer for a whole call on a faster accelerator', () => {
    fc.assert(
      fc.property(points, ({ name, engine, ...use }) => {
        const times = ['H100', 'H200', 'B200'].map(kind => {
          const point = pointOf(name, kind, 16, use)
          const times = closedLoop({ ...point, shape: { ...point.shape, engine } })!
          return times.timeToFirstTokenMs + use.outputTokens * times.timePerOutputTokenMs
        })
        // What does not fit into the smaller memory waits outside, and what is inside is faster for it.
        fc.pre(use.concurrency * (use.promptTokens + use.outputTokens) < 60_000)
        expect(times[1]).toBeLessThanOrEqual(1.001 * times[0]!)
        expect(times[2]).toBeLessThanOrEqual(1.001 * times[1]!)
      }),
      { numRuns: 400 },
    )
  })

  it('predicts nothing where the weights do not fit', () => {
    expect(closedLoop(pointOf('Llama-3.1-405B', 'H100', 2))).toBeNull()
    expect(closedLoop(pointOf('Llama-3.1-405B', 'H100', 8, { pipelineParallel: 2 }))).not.toBeNull()
  })

  it('divides its calls among ranks and stages', () => {
    const one = pointOf('DeepSeek-R1', 'B200', 8)
    const ranks = { ...one, shape: { ...one.shape, tensorParallel: 1, dataParallel: 8 } }
    const [few, many] = [16, 256].map(concurrency => closedLoop({ ...ranks, concurrency })!.timePerOutputTokenMs)
    expect(many).toBeGreaterThan(few!)
  })
})

describe('the factor of a set-up', () => {
  const asked = pointOf('Llama-3.1-70B', 'H100', 4, { engineVersion: '9.9' })
  const [ofModel, ofKind, own] = versionKeys(asked)

  it('is the product of what is known of the model, the version and both, and 1 where nothing is', () => {
    expect(versionFactor(asked, { [ofModel]: 1.2, [ofKind]: 1.1, [own]: 0.5 })).toBeCloseTo(0.66, 12)
    expect(versionFactor(asked, { [ofKind]: 1.1 })).toBe(1.1)
    expect(versionFactor(asked, {})).toBe(1)
  })

  it('tells versions, engines, models and kinds of models apart', () => {
    const others = [
      pointOf('Llama-3.1-70B', 'H100', 4, { engineVersion: '9.8' }),
      pointOf('Qwen3-32B', 'H100', 4, { engineVersion: '9.9' }),
      pointOf('gpt-oss-120b', 'H100', 4, { engineVersion: '9.9' }),
      { ...asked, shape: { ...asked.shape, engine: 'sglang' as const } },
    ]
    const shared = others.map(other => versionKeys(other).filter(key => versionKeys(asked).includes(key)))
    expect(shared).toEqual([[ofModel], [ofKind], [], []])
  })

  it('makes decoding so much longer', () => {
    const slower = { ...ANY_SET_UP, versions: { [own]: 1.25 } }
    const ratio = closedLoop(asked, slower)!.timePerOutputTokenMs / closedLoop(asked, ANY_SET_UP)!.timePerOutputTokenMs
    expect(ratio).toBeGreaterThan(1.2)
    expect(ratio).toBeLessThan(1.3)
  })

  it('of first tokens makes these so much later, and nothing else', () => {
    const [plain, later] = [{}, { [ofKind]: 1.5 }].map(
      firstTokens => closedLoop(asked, { ...ANY_SET_UP, firstTokens })!,
    )
    expect(later!.timeToFirstTokenMs / plain!.timeToFirstTokenMs).toBeCloseTo(1.5, 9)
    expect(later!.timePerOutputTokenMs).toBe(plain!.timePerOutputTokenMs)
  })
})
