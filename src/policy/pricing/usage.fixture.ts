import fc from 'fast-check'
import type { LineUnit } from '../../vocabulary/price.ts'
import type { Usage } from '../../vocabulary/usage.ts'
import { type Tariff, tariffFromOverride } from './tariff.ts'

/** Counts of tokens from none to far beyond what whole numbers can multiply. */
const count = fc.oneof(fc.constant(0), fc.nat(100), fc.nat(10_000_000), fc.integer({ min: 0, max: 2 ** 50 }))

/** Usages of text calls whose parts fit into their wholes. */
export const plainUsage: fc.Arbitrary<Usage> = fc
  .tuple(count, count, count, count, count)
  .map(([uncached, cachedInputTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens]) => ({
    inputTokens: uncached + cachedInputTokens + cacheWrite5mTokens + cacheWrite1hTokens,
    cachedInputTokens,
    cacheWrite5mTokens,
    cacheWrite1hTokens,
    outputTokens,
    reasoningTokens: 0,
    source: 'reported',
  }))

/** Plain decimals of up to nine decimals, some with trailing zeros. */
export const priceText: fc.Arbitrary<string> = fc
  .tuple(fc.oneof(fc.constant(0), fc.nat(9), fc.nat(900)), fc.nat(9), fc.nat(999_999_999))
  .map(([whole, decimals, digits]) => {
    const fraction = digits.toString().padStart(9, '0').slice(0, decimals)
    return decimals === 0 ? `${whole}` : `${whole}.${fraction}`
  })

export const UNITS = ['input', 'cachedInput', 'cacheWrite5m', 'cacheWrite1h', 'output'] as const

export type PriceTexts = Readonly<Record<(typeof UNITS)[number], string>>

export const priceTexts: fc.Arbitrary<PriceTexts> = fc.record({
  input: priceText,
  cachedInput: priceText,
  cacheWrite5m: priceText,
  cacheWrite1h: priceText,
  output: priceText,
})

export function tariffOf(prices: Partial<PriceTexts>): Tariff {
  return tariffFromOverride(prices, 'a law')
}

/** What each ordinary unit of a usage counts. */
export function partsOf(usage: Usage): Readonly<Record<(typeof UNITS)[number], number>> {
  const { inputTokens, cachedInputTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = usage
  return {
    input: inputTokens - cachedInputTokens - cacheWrite5mTokens - cacheWrite1hTokens,
    cachedInput: cachedInputTokens,
    cacheWrite5m: cacheWrite5mTokens,
    cacheWrite1h: cacheWrite1hTokens,
    output: outputTokens,
  } satisfies Partial<Record<LineUnit, number>>
}
