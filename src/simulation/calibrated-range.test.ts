import { describe, expect, it } from 'vitest'
import { accelerator } from './accelerators.ts'
import { calibratedRange } from './calibrated-range.ts'
import { ENVELOPE } from './fitted.ts'
import { model } from './models.ts'
import type { EngineShape } from './step-time.ts'

const LLAMA: EngineShape = {
  model: model('Llama-3.1-70B'),
  accelerator: accelerator('H100'),
  tensorParallel: 4,
  dataParallel: 1,
  engine: 'vllm',
  precision: 'fp8',
  expertPrecision: 'fp8',
  kvBytes: 2,
}

describe('the calibrated range', () => {
  it('holds what was measured, at both of its ends', () => {
    const { concurrency, promptTokens, outputTokens } = ENVELOPE.vllm
    expect(calibratedRange(LLAMA)).toBeNull()
    for (const end of [0, 1] as const) {
      const use = { concurrency: concurrency[end], promptTokens: promptTokens[end], outputTokens: outputTokens[end] }
      expect(calibratedRange(LLAMA, use)).toBeNull()
    }
  })

  it.each([
    [{ model: model('Kimi-K2.5') }, {}, 'Kimi-K2.5 was not measured on vllm'],
    [{ accelerator: accelerator('B60') }, {}, 'B60 was not measured on vllm'],
    [{ precision: 'int4' }, {}, 'weights in int4 were not measured on vllm'],
    [{ tensorParallel: 16 }, {}, 'tensor parallelism 16 is beyond the 8 of the calibration'],
    [{ dataParallel: 64 }, {}, 'data parallelism 64 is beyond the 4 of the calibration'],
    [{}, { pipelineParallel: 2 }, 'pipeline parallelism was not measured'],
    [{}, { concurrency: 4096 }, 'concurrency 4096 is beyond the 1024 of the calibration'],
    [{}, { concurrency: 1 }, 'concurrency 1 is below the 4 of the calibration'],
    [{}, { promptTokens: 100_000 }, 'a prompt of 100000 tokens is beyond the 8192 of the calibration'],
    [{}, { outputTokens: 1 }, 'an answer of 1 tokens is below the 100 of the calibration'],
  ] as const)('leaves out %#: says so in words without a comma', (shape, use, reason) => {
    expect(calibratedRange({ ...LLAMA, ...shape }, use)).toBe(reason)
    expect(reason).not.toContain(',')
  })
})
