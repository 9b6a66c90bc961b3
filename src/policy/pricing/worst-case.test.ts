import { waitForUpdate } from '@pydantic/genai-prices'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Usage } from '../../vocabulary/usage.ts'
import { readPriceBook } from './book.ts'
import { rate } from './rate.ts'
import { type Tariff, tariffFor } from './tariff.ts'
import { plainUsage, priceTexts, tariffOf } from './usage.fixture.ts'
import { worstCase } from './worst-case.ts'

const book = readPriceBook(await waitForUpdate(), { name: 'genai-prices', date: '2026-09-23' })
const AT = Date.UTC(2026, 9, 1)

function known(baseUrl: string, model: string): Tariff {
  return tariffFor(book, { baseUrl, model })!
}

const REAL = [
  known('https://api.anthropic.com/v1', 'claude-opus-5'),
  known('https://api.openai.com/v1', 'gpt-5.6-sol'),
  known('https://generativelanguage.googleapis.com/v1beta/openai', 'gemini-2.5-pro'),
  known('https://api.deepseek.com/v1', 'deepseek-v4-pro'),
]

/** Usages that stay within these bounds. */
function within(inputTokens: number, outputTokens: number): fc.Arbitrary<Usage> {
  return fc
    .tuple(fc.nat(inputTokens), fc.nat(outputTokens), fc.nat(), fc.nat(), fc.nat())
    .map(([input, output, a, b, c]) => {
      const cachedInputTokens = a % (input + 1)
      const cacheWrite5mTokens = b % (input - cachedInputTokens + 1)
      const cacheWrite1hTokens = c % (input - cachedInputTokens - cacheWrite5mTokens + 1)
      const counts = { cachedInputTokens, cacheWrite5mTokens, cacheWrite1hTokens, reasoningTokens: 0 }
      return { ...counts, inputTokens: input, outputTokens: output, source: 'reported' }
    })
}

describe('the worst case', () => {
  it('is never passed by a call that stays within its tokens', () => {
    const call = fc
      .tuple(fc.nat(2_000_000), fc.nat(100_000))
      .chain(([inputTokens, outputTokens]) =>
        fc.tuple(fc.constant({ inputTokens, outputTokens }), within(inputTokens, outputTokens)),
      )
    const tariff = fc.oneof(fc.constantFrom(...REAL), priceTexts.map(tariffOf))
    fc.assert(
      fc.property(tariff, call, (tariff, [bound, usage]) => {
        const { dollars } = rate(tariff, usage, AT)
        if (dollars !== null) expect(dollars <= worstCase(tariff, bound, AT)!).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is reached, but for the stated four nano-dollars, by a call that uses everything at the dearest price', () => {
    fc.assert(
      fc.property(priceTexts, plainUsage, (prices, { inputTokens, outputTokens }) => {
        const tariff = tariffOf(prices)
        const none = { cachedInputTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0, reasoningTokens: 0 }
        const uncached: Usage = { ...none, inputTokens, outputTokens, source: 'reported' }
        const candidates = [
          uncached,
          { ...uncached, cachedInputTokens: inputTokens },
          { ...uncached, cacheWrite5mTokens: inputTokens },
          { ...uncached, cacheWrite1hTokens: inputTokens },
        ].map(usage => rate(tariff, usage, AT).dollars!)
        const dearest = candidates.reduce((a, b) => (a > b ? a : b))
        const bound = worstCase(tariff, { inputTokens, outputTokens }, AT)!
        expect(bound >= dearest && bound - dearest <= 4n).toBe(true)
      }),
    )
  })

  it('has no margin where tokens cost whole nano-dollars', () => {
    const tariff = tariffOf({ input: '3', cacheWrite5m: '3.75', output: '15' })
    expect(worstCase(tariff, { inputTokens: 1_000, outputTokens: 100 }, AT)).toBe(5_250_000n)
  })

  it('takes the tier that the bound of the context can reach', () => {
    const gemini = REAL[2]!
    expect(worstCase(gemini, { inputTokens: 200_000, outputTokens: 0 }, AT)).toBe(250_000_000n)
    expect(worstCase(gemini, { inputTokens: 200_001, outputTokens: 0 }, AT)).toBe(500_002_500n)
  })

  it('is unknown where a price of what may be used is unknown', () => {
    expect(worstCase(null, { inputTokens: 1, outputTokens: 1 }, AT)).toBeNull()
    expect(worstCase(tariffOf({ input: '1' }), { inputTokens: 1, outputTokens: 1 }, AT)).toBeNull()
    expect(worstCase(tariffOf({ output: '1', cacheWrite5m: '1' }), { inputTokens: 1, outputTokens: 1 }, AT)).toBeNull()
    expect(worstCase(tariffOf({ input: '1' }), { inputTokens: 1_000, outputTokens: 0 }, AT)).toBe(1_000_000n)
    expect(worstCase(tariffOf({}), { inputTokens: 0, outputTokens: 0 }, AT)).toBe(0n)
  })
})
