import { describe, expect, it } from 'vitest'
import { accelerator } from './accelerators.ts'
import { MODELLED_ENGINES } from './coefficients.ts'
import { model } from './models.ts'
import { scheduleCosts } from './schedule-costs.ts'
import { type EngineShape, stepCosts, stepTime } from './step-time.ts'

function shapeOf(name: string, engine: (typeof MODELLED_ENGINES)[number], tensorParallel: number): EngineShape {
  const found = model(name)
  const { precision, expertPrecision } = found
  const kind = accelerator('H200')
  return {
    model: found,
    accelerator: kind,
    tensorParallel,
    dataParallel: 1,
    engine,
    precision,
    expertPrecision,
    kvBytes: 2,
  }
}

const SHAPES = MODELLED_ENGINES.flatMap(engine => [
  shapeOf('Llama-3.1-8B', engine, 1),
  shapeOf('Qwen3-235B-A22B', engine, 8),
])

const NOTHING = { prefillPairs: 0, windowedPrefillPairs: 0, windowedContextTokens: 0 }

describe('the costs for scheduling', () => {
  it.each(SHAPES)('add up to decode steps of the model, exactly at 1 and 64 sequences: $engine, $model.name', shape => {
    const { decodeBaseMs, decodeSequenceMs, contextTokenMs } = scheduleCosts(shape)
    const costs = stepCosts(shape)
    for (const [sequences, context] of [
      [1, 500],
      [64, 3000],
    ] as const) {
      const contextTokens = sequences * context
      const batch = { ...NOTHING, decodeSequences: sequences, prefillTokens: 0, contextTokens }
      const linear = decodeBaseMs + sequences * decodeSequenceMs + contextTokens * contextTokenMs
      expect(linear / stepTime(costs, batch)).toBeCloseTo(1, 9)
    }
  })

  it.each(SHAPES)('add up to full steps of prompts: $engine, $model.name', shape => {
    const { prefillMsPerToken, prefillPairMs } = scheduleCosts(shape)
    const batch = { ...NOTHING, decodeSequences: 0, prefillTokens: 8192, contextTokens: 0, prefillPairs: 8192 ** 2 / 2 }
    const linear = 8192 * prefillMsPerToken + batch.prefillPairs * prefillPairMs
    expect(linear / stepTime(stepCosts(shape), batch)).toBeCloseTo(1, 9)
  })

  it('are above 0, and a prompt token costs less than a token of an answer', () => {
    for (const shape of SHAPES) {
      const costs = scheduleCosts(shape)
      for (const value of Object.values(costs)) expect(value).toBeGreaterThan(0)
      expect(costs.prefillMsPerToken).toBeLessThan(costs.decodeBaseMs + costs.decodeSequenceMs)
      expect(costs.fixedMs).toBeLessThan(costs.decodeBaseMs)
    }
  })
})
