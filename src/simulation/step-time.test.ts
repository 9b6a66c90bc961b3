import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ACCELERATOR_NAMES, accelerator, findAccelerator } from './accelerators.ts'
import type { Coefficients } from './coefficients.ts'
import { COEFFICIENTS } from './fitted.ts'
import { kvBlocks, kvBytesPerToken, weightBytes } from './memory.ts'
import { findModel, MODEL_NAMES, MODELS, model } from './models.ts'
import { busyMs, energy, powerModel } from './power.ts'
import { simulatedPrice } from './price.ts'
import { describeReplica } from './replica.ts'
import { type Batch, denseParameters, type EngineShape, stepCosts, stepTime, timesFactor } from './step-time.ts'

function shapeOf(name: string, kind = 'H100-SXM', tensorParallel = 1): EngineShape {
  const found = model(name)
  return {
    model: found,
    accelerator: accelerator(kind),
    tensorParallel,
    dataParallel: 1,
    engine: 'vllm',
    precision: found.precision,
    expertPrecision: found.expertPrecision,
    kvBytes: 2,
  }
}

/** Coefficients with which the model can be reckoned by hand. */
const PLAIN: Coefficients = {
  ...COEFFICIENTS,
  shared: {
    ...COEFFICIENTS.shared,
    bandwidthExponent: 0,
    computeExponent: 0,
    overheadExponent: 0,
    fp8Bandwidth: 0.8,
    fp8Compute: 0.7,
  },
  engines: {
    ...COEFFICIENTS.engines,
    vllm: {
      ...COEFFICIENTS.engines.vllm,
      denseBandwidth: 0.78,
      kvBandwidth: 0.61,
      denseCompute: 0.95,
      attentionCompute: 0.5,
      layerUs: 42,
      sequenceUs: 5,
      stepUs: 288,
      promptLayerUs: 500,
    },
  },
}

function decode(sequences: number, context = 1000): Batch {
  return {
    decodeSequences: sequences,
    prefillTokens: 0,
    contextTokens: sequences * context,
    windowedContextTokens: sequences * Math.min(context, 128),
    prefillPairs: 0,
    windowedPrefillPairs: 0,
  }
}

function prefill(tokens: number): Batch {
  return {
    decodeSequences: 0,
    prefillTokens: tokens,
    contextTokens: 0,
    windowedContextTokens: 0,
    prefillPairs: tokens ** 2 / 2,
    windowedPrefillPairs: tokens * 128,
  }
}

describe('the tables', () => {
  it('forgive a spelling and name what there is', () => {
    for (const name of ['h100', 'H100-SXM', 'NVIDIA H100 SXM', 'h100_sxm'])
      expect(findAccelerator(name)?.name).toBe('H100-SXM')
    expect(findAccelerator('A100-PCIe')?.name).toBe('A100-PCIe')
    for (const name of ['llama-3.1-8b', 'meta-llama/Llama-3.1-8B-Instruct', 'nvidia/Llama-3.1-8B-Instruct-FP8'])
      expect(findModel(name)?.name).toBe('Llama-3.1-8B')
    expect(findModel('qwen3-30b-a3b')?.name).toBe('Qwen3-30B-A3B')
    expect(findModel('amd/DeepSeek-R1-0528-MXFP4-Preview')?.name).toBe('DeepSeek-R1')
    expect(findModel('llama')).toBeUndefined()
    expect(() => model('gpt-2')).toThrow(`there is no model "gpt-2" in the table; it has ${MODEL_NAMES.join(', ')}`)
    expect(() => accelerator('TPU')).toThrow(ACCELERATOR_NAMES.at(-1)!)
  })

  it('are found by each of their own names', () => {
    for (const name of MODEL_NAMES) expect(findModel(name)?.name).toBe(name)
    for (const name of ACCELERATOR_NAMES) expect(findAccelerator(name)?.name).toBe(name)
  })

  // From the same sources, computed there: a check that no figure was mistyped.
  it.each([
    ['Llama-3.1-8B', 131_072],
    ['Llama-3.1-70B', 327_680],
    ['Llama-3.1-405B', 516_096],
    ['Qwen3-8B', 147_456],
    ['Qwen3-32B', 262_144],
    ['Qwen3-30B-A3B', 98_304],
    ['Qwen3-235B-A22B', 192_512],
    ['Qwen3-Coder-480B-A35B', 253_952],
    ['Qwen3.5-397B-A17B', 30_720],
    ['Mixtral-8x7B', 131_072],
    ['Mixtral-8x22B', 229_376],
    ['gpt-oss-20b', 49_152],
    ['gpt-oss-120b', 73_728],
    ['DeepSeek-R1', 70_272],
    ['DeepSeek-V3.2', 70_272],
    ['Kimi-K2.5', 70_272],
    ['GLM-5', 89_856],
    ['MiniMax-M2.5', 253_952],
    ['Llama-4-Scout', 196_608],
  ])('%s keeps %i bytes of KV a token', (name, bytes) => {
    expect(kvBytesPerToken(shapeOf(name))).toBe(bytes)
  })

  it('leave a plausible rest of dense parameters beside the experts', () => {
    for (const entry of MODELS) {
      const dense = denseParameters(entry)
      expect(dense / entry.activeParameters).toBeGreaterThan(0.1)
      expect(dense).toBeLessThan(entry.activeParameters)
    }
  })
})

describe('the step time', () => {
  it('of Llama-3.1-8B on one H100 follows the formula', () => {
    const costs = stepCosts(shapeOf('Llama-3.1-8B'), PLAIN)
    const dense = 8.03e9 - 2 * 4096 * 128_256
    const weights = (2 * (dense + 4096 * 128_256)) / (0.78 * 3.35e12)
    const kv = (8 * 1000 * 131_072) / (0.61 * 3.35e12)
    const expected = 1000 * (weights + kv) + (32 * 42 + 8 * 5 + 288) / 1000
    expect(stepTime(costs, decode(8))).toBeCloseTo(expected, 9)
  })

  it('of a long prompt is bound by arithmetic', () => {
    const costs = stepCosts(shapeOf('Llama-3.1-8B'), PLAIN)
    const dense = 8.03e9 - 2 * 4096 * 128_256
    const flops = (2 * 8192 * dense) / (0.95 * 989e12) + (4 * 32 * 128 * 32 * (8192 ** 2 / 2)) / (0.5 * 989e12)
    expect(stepTime(costs, prefill(8192))).toBeCloseTo(1000 * flops + (32 * 42 + 288) / 1000, 6)
  })

  it('of a few prompt tokens is that of launching the kernels of every layer', () => {
    const costs = stepCosts(shapeOf('Llama-3.1-8B'), PLAIN)
    expect(stepTime(costs, prefill(16))).toBeCloseTo((32 * 500) / 1000, 9)
  })

  it('is shorter by what narrower weights save, as far as their formats reach the peaks', () => {
    const [wide, narrow] = [{}, { precision: 'fp8' as const }].map(extra =>
      stepCosts({ ...shapeOf('Llama-3.1-70B', 'H100', 2), ...extra }, PLAIN),
    )
    const head = 8192 * 128_256
    const dense = 70.6e9 - 2 * head
    expect(wide!.denseWeightsMs / narrow!.denseWeightsMs).toBeCloseTo(
      (2 * (dense + head)) / (dense / 0.8 + 2 * head),
      9,
    )
    expect(wide!.denseTokenMs / narrow!.denseTokenMs).toBeCloseTo((0.7 * 1979) / 989, 9)
  })

  it('of larger accelerators has less of what no peak explains, and a smaller share of the peaks', () => {
    const { shared } = PLAIN
    const sloped = {
      ...PLAIN,
      shared: { ...shared, bandwidthExponent: 0.1, computeExponent: 0.2, overheadExponent: 0.3 },
    }
    const [plain, bent] = [PLAIN, sloped].map(each => stepCosts(shapeOf('Llama-3.1-8B', 'B200'), each))
    expect(bent!.denseWeightsMs / plain!.denseWeightsMs).toBeCloseTo((8 / 4) ** 0.1, 9)
    expect(bent!.denseTokenMs / plain!.denseTokenMs).toBeCloseTo(2.25 ** 0.2, 9)
    expect(bent!.fixedMs / plain!.fixedMs).toBeCloseTo((8 / 4) ** -0.3, 9)
  })

  it('times a factor is that of every batch times the factor', () => {
    const costs = stepCosts(shapeOf('gpt-oss-20b'))
    const slower = timesFactor(costs, 1.5)
    for (const batch of [decode(1), decode(300), prefill(20), prefill(8000)]) {
      expect(stepTime(slower, batch)).toBeCloseTo(1.5 * stepTime(costs, batch), 9)
    }
    expect(slower.shape).toBe(costs.shape)
  })

  it('never falls when a batch grows', () => {
    const name = fc.constantFrom(...MODEL_NAMES)
    const engine = fc.constantFrom('vllm' as const, 'sglang' as const, 'trtllm' as const)
    const size = fc.integer({ min: 1, max: 500 })
    fc.assert(
      fc.property(name, engine, size, size, (known, kind, few, more) => {
        const costs = stepCosts({ ...shapeOf(known, 'B200', 8), engine: kind })
        expect(stepTime(costs, decode(few + more))).toBeGreaterThan(stepTime(costs, decode(few)))
        expect(stepTime(costs, prefill(few + more))).toBeGreaterThanOrEqual(stepTime(costs, prefill(few)))
      }),
    )
  })

  it('reads the experts that a batch touches: few for one token, nearly all for many', () => {
    const costs = stepCosts(shapeOf('Qwen3-30B-A3B'))
    const base = (batch: number) => stepTime(costs, decode(batch, 0)) - stepTime(costs, decode(1, 0))
    expect(base(512)).toBeGreaterThan(6 * base(8) * 0.2)
    expect(base(2000) - base(1000)).toBeGreaterThan(0)
  })

  it('reads at most the window in windowed layers, and does not split latent KV', () => {
    const windowed = stepCosts(shapeOf('gpt-oss-20b'))
    expect(windowed.contextTokenMs).toBeCloseTo(windowed.windowedContextTokenMs, 12)
    const [one, eight] = [1, 8].map(tp => stepCosts(shapeOf('DeepSeek-R1', 'H200', tp)))
    expect(eight!.contextTokenMs).toBe(one!.contextTokenMs)
    const [grouped, split] = [1, 16].map(tp => stepCosts(shapeOf('Llama-3.1-70B', 'H200', tp)))
    expect(grouped!.contextTokenMs / split!.contextTokenMs).toBeCloseTo(8)
  })
})

describe('the memory', () => {
  it('of an H100 is what its weights, activations and runtime leave', () => {
    const room = 0.92 * 80 * 2 ** 30 - 2 * 8.03e9 - 2 * 8192 * 4096 * 11 - 0.4e9 - 3.5e9
    expect(kvBlocks(shapeOf('Llama-3.1-8B'), 8192)).toBe(Math.floor(room / (16 * 131_072)))
  })

  it('of a small card is estimated with caution: an RTX 4090 reported 2,588 blocks', () => {
    const blocks = kvBlocks(shapeOf('Llama-3.1-8B', 'RTX-4090'), 2048)
    expect(blocks).toBeGreaterThan(2588 / 2)
    expect(blocks).toBeLessThan(2588)
  })

  it('is split among the ranks', () => {
    const [one, four] = [1, 4].map(tp => shapeOf('Llama-3.1-8B', 'H100', tp))
    expect(weightBytes(one!) / weightBytes(four!)).toBeCloseTo(4)
    expect(kvBlocks(four!, 8192)).toBeGreaterThan(4 * kvBlocks(one!, 8192))
  })

  it('that is too small is told with what would be needed', () => {
    const description = { model: 'Llama-3.1-70B', accelerator: { kind: 'H100', count: 1 } }
    expect(() => describeReplica(description)).toThrow(/142 GB of weights, and 1 × H100-SXM have 85 GB/)
    expect(describeReplica({ ...description, accelerator: { kind: 'H100', count: 4 } }).contextTokens).toBe(131_072)
  })

  it('bounds the context, unless the cache is without bound', () => {
    const description = { model: 'Llama-3.1-8B', accelerator: { kind: 'H100', count: 1 } }
    expect(describeReplica({ ...description, kvBlocks: 101 }).contextTokens).toBe(1600)
    expect(describeReplica({ ...description, kvBlocks: Infinity }).contextTokens).toBe(Infinity)
  })
})

describe('the power', () => {
  it('lies between idle and cap, at the cap in prefill and clearly below it in decode', () => {
    const shape = shapeOf('Llama-3.1-8B')
    const costs = stepCosts(shape)
    const power = powerModel(shape.accelerator)
    const watts = (batch: Batch) => {
      const durationMs = stepTime(costs, batch)
      return (1000 * energy(power, { durationMs, ...busyMs(costs, batch) })) / durationMs
    }
    expect(watts(prefill(8192))).toBeGreaterThan(600)
    expect(watts(prefill(8192))).toBeLessThanOrEqual(700)
    expect(watts(decode(32))).toBeGreaterThan(250)
    expect(watts(decode(32))).toBeLessThan(450)
    expect(energy(power, { durationMs: 1000, computeMs: 0, memoryMs: 0 })).toBe(75)
  })
})

describe('the price', () => {
  it('is an exact decimal of at most six places, cached input the cheapest and output the dearest', () => {
    const kinds = fc.constantFrom('B200', 'H200-SXM', 'MI300X', 'RTX-PRO-6000')
    fc.assert(
      fc.property(
        fc.constantFrom('Llama-3.1-8B', 'Qwen3-32B', 'Qwen3-30B-A3B'),
        kinds,
        fc.option(fc.bigInt(1n, 10n ** 11n)),
        (name, kind, dollarsPerHour) => {
          const price = simulatedPrice(name, { kind, count: 1, dollarsPerHour })
          for (const text of Object.values(price)) expect(text).toMatch(/^\d+(\.\d{1,6})?$/)
          const [cached, input, output] = [price.cachedInput, price.input, price.output].map(Number)
          expect(cached).toBeGreaterThan(0)
          if (dollarsPerHour === null || dollarsPerHour > 10n ** 8n) {
            expect(cached).toBeLessThan(input!)
            expect(input).toBeLessThan(output!)
          }
        },
      ),
    )
  })

  it('is rent × time: at 2.95 dollars an hour Llama-3.1-8B costs some cents and some ten cents a million', () => {
    const price = simulatedPrice('Llama-3.1-8B', { kind: 'H100-SXM', count: 1, dollarsPerHour: 2_950_000_000n })
    const { options } = describeReplica({ model: 'Llama-3.1-8B', accelerator: { kind: 'H100-SXM', count: 1 } })
    const tokenHours = stepTime(options.costs, decode(64, 2048)) / 64 / 3_600_000
    expect(Number(price.output)).toBeCloseTo(2.95e6 * tokenHours, 5)
    expect(Number(price.input)).toBeLessThan(0.05)
  })
})
