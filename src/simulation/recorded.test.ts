import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { accelerator } from './accelerators.ts'
import { hashTraceBlocks } from './block-hash.ts'
import { createEngine, step, submit } from './engine.ts'
import { COEFFICIENTS } from './fitted.ts'
import { findModel } from './models.ts'
import type { Precision } from './precision.ts'
import { describeReplica } from './replica.ts'
import { type EngineShape, type ModelledEngine, stepCosts, stepTime, timesFactor } from './step-time.ts'
import { versionFactor } from './versions.ts'

const DATA = new URL('../../../shared/data/', import.meta.url)
const here = (name: string) => existsSync(new URL(name, DATA))
const why = (name: string) => (here(name) ? '' : ` (skipped: ../shared/data/${name} is not on this machine)`)
const linesOf = (name: string) => readFileSync(new URL(name, DATA), 'utf8').trimEnd().split(/\r?\n/)

interface Recorded {
  readonly timestamp: number
  readonly input_length: number
  readonly output_length: number
  readonly hash_ids: readonly number[]
}

/** Plays a trace of Mooncake's against one replica with a cache without bound; returns the cached share of the input. */
function reuse(name: string): number {
  const requests = linesOf(name).map(line => JSON.parse(line) as Recorded)
  const replica = { model: 'Llama-3.1-8B', accelerator: { kind: 'H100-SXM', count: 8 }, kvBlocks: Infinity }
  const engine = createEngine(describeReplica(replica).options)
  let now = 0
  let next = 0
  let cached = 0
  for (;;) {
    for (; next < requests.length && requests[next]!.timestamp <= now; next++) {
      const { input_length: promptTokens, output_length: outputTokens, hash_ids: ids } = requests[next]!
      const hashes = hashTraceBlocks(ids, promptTokens, { traceTokens: 512, blockTokens: 16 })
      submit(engine, { id: next, promptTokens, outputTokens, hashes })
    }
    const horizonMs = next < requests.length ? requests[next]!.timestamp - now : Infinity
    const { durationMs, steps, events } = step(engine, { maxSteps: Number.MAX_SAFE_INTEGER, horizonMs })
    for (const event of events) if (event.kind === 'finished') cached += event.cachedTokens
    now += durationMs
    if (steps === 0 && next >= requests.length) break
    if (steps === 0) now = requests[next]!.timestamp
  }
  return cached / requests.reduce((sum, { input_length: tokens }) => sum + tokens, 0)
}

const TRACES = 'traces/mooncake/'
const POINTS = 'twin/inferencex/agg_calibration.csv'

describe(`recorded traffic${why(TRACES)}`, () => {
  it.skipIf(!here(TRACES)).each([
    ['conversation', 0.3736],
    ['synthetic', 0.6512],
  ])('of Mooncake, %s, reuses %f of its input with a cache without bound', (name, share) => {
    // The trace's own figure counts the last, partial block at its true length; vLLM keeps only full blocks of 16.
    expect(Math.abs(reuse(`${TRACES}${name}_trace.jsonl`) - share)).toBeLessThan(0.0005)
  })
})

type Row = Readonly<Record<string, string>>

function pointsOf(): readonly Row[] {
  const [head, ...rows] = linesOf(POINTS).map(line => line.split(','))
  return rows.map(row => Object.fromEntries(head!.map((name, i) => [name, row[i]!])))
}

const precisionOf = (mode: string): Precision => (mode === 'nvfp4' ? 'nvfp4' : mode === '' ? 'bf16' : 'fp8')

/** The time per output token of a steady load: decode steps, and among them those that carry a chunk of somebody's prompt. */
function predict(row: Row): number {
  const model = findModel(row.model_path!.replace(/-(FP8|NVFP4)$/, ''))!
  // These rows say nvfp4, but the checkpoint's experts are MXFP4 and the rest is bf16.
  const isOwn = model.expertPrecision === 'mxfp4'
  const dataParallel = Number(row.attention_dp_size || 1)
  const shape: EngineShape = {
    model,
    accelerator: accelerator(row.system!.replace('_', '-')),
    tensorParallel: Number(row.tp_size),
    dataParallel,
    engine: row.backend as ModelledEngine,
    precision: isOwn ? model.precision : precisionOf(row.gemm_quant_mode!),
    expertPrecision: isOwn ? model.expertPrecision : precisionOf(row.moe_quant_mode! || row.gemm_quant_mode!),
    kvBytes: 2,
  }
  const setUp = { shape, engineVersion: row.engine_version! }
  const costs = timesFactor(stepCosts(shape), versionFactor(setUp, COEFFICIENTS.versions))
  const share = row.exact_lengths === '1' ? 1 : 0.9
  const [prompt, output] = [Number(row.isl) * share, Number(row.osl) * share]
  const sequences = Number(row.concurrency) / dataParallel
  const context = prompt + output / 2
  const chunk = Math.min(prompt, 8192)
  const stepMs = (prefillTokens: number) =>
    stepTime(costs, {
      decodeSequences: sequences,
      prefillTokens,
      contextTokens: sequences * context,
      windowedContextTokens: sequences * Math.min(context, model.windowTokens),
      prefillPairs: (prefillTokens * prompt) / 2,
      windowedPrefillPairs: prefillTokens * Math.min(prompt / 2, model.windowTokens),
    })
  const chunksPerStep = ((prompt / chunk) * sequences) / output
  return stepMs(0) + (stepMs(chunk) - stepMs(0)) * chunksPerStep
}

describe(`measured serving points${why(POINTS)}`, () => {
  it.skipIf(!here(POINTS))('have their time per output token predicted within 12 % for half of them', () => {
    const errors = pointsOf().map(row => Math.abs(predict(row) / Number(row.tpot_ms) - 1))
    expect(errors.length).toBeGreaterThan(1400)
    expect(errors.toSorted((a, b) => a - b)[errors.length >> 1]).toBeLessThan(0.12)
  })
})
