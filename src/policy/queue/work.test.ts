import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EngineCosts } from '../../vocabulary/scheduling.ts'
import { MID_SIZE_COSTS, TYPICAL_BATCH, workOf } from './work.ts'

const COSTS: EngineCosts = {
  prefillTokenMs: 1,
  prefillPairMs: 0.5,
  decodeStepMs: 2 * TYPICAL_BATCH,
  decodeSequenceMs: 3,
  contextTokenMs: 0.25,
}

const tokens = fc.nat(100_000)
const asked = fc.record({ uncachedTokens: tokens, outputTokens: tokens, contextTokens: tokens })

describe('the work of a call', () => {
  it.each([
    ['nothing', [0, 0, 0], 0],
    ['a prompt alone: its tokens and the pairs among them', [4, 0, 4], 4 + 0.5 * 8],
    ['the rest of a prompt that is cached in part: pairs with what is cached too', [4, 0, 10], 4 + 0.5 * (24 + 8)],
    ['an answer to a cached prompt: its steps and the context that they read', [0, 2, 10], 2 * 5 + 0.25 * (20 + 2)],
    ['both', [4, 2, 10], 20 + 10 + 5.5],
    ['a context that is less than its uncached part is that part', [4, 0, 1], 8],
  ])('is reckoned for %s', (_, [uncached, output, context], ms) => {
    const of = { uncachedTokens: uncached!, outputTokens: output!, contextTokens: context! }
    expect(workOf(of, COSTS)).toBeCloseTo(ms, 9)
  })

  it('is never less for more tokens of any kind', () => {
    fc.assert(
      fc.property(asked, asked, fc.constantFrom(COSTS, null), (less, more, costs) => {
        for (const kind of ['uncachedTokens', 'outputTokens', 'contextTokens'] as const) {
          const grown = { ...less, [kind]: less[kind] + more[kind] }
          // A prompt whose uncached part grows is not shorter for it.
          grown.contextTokens = Math.max(grown.contextTokens, grown.uncachedTokens)
          expect(workOf(grown, costs)).toBeGreaterThanOrEqual(workOf(less, costs) * (1 - 1e-12))
        }
      }),
    )
  })

  it('of an answer in two parts is that of both, the first being context of the second', () => {
    fc.assert(
      fc.property(asked, tokens, (first, rest) => {
        const context = Math.max(first.contextTokens, first.uncachedTokens)
        const whole = workOf({ ...first, outputTokens: first.outputTokens + rest }, null)
        const after = { uncachedTokens: 0, outputTokens: rest, contextTokens: context + first.outputTokens }
        expect(workOf(first, null) + workOf(after, null)).toBeCloseTo(whole, 3)
      }),
    )
  })

  it('counts an output token for as much as about 8 uncached ones where nothing is known of the model', () => {
    const output = workOf({ uncachedTokens: 0, outputTokens: 1, contextTokens: 1_000 }, null)
    const input = workOf({ uncachedTokens: 1_000, outputTokens: 0, contextTokens: 1_000 }, null) / 1_000
    expect(output / input).toBeGreaterThan(7)
    expect(output / input).toBeLessThan(9)
    expect(workOf({ uncachedTokens: 7, outputTokens: 7, contextTokens: 7 }, null)).toBe(
      workOf({ uncachedTokens: 7, outputTokens: 7, contextTokens: 7 }, MID_SIZE_COSTS),
    )
  })
})
