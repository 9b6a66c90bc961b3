import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Usage } from '../../vocabulary/usage.ts'
import { chargeFor, exactCost, smallCost } from './card.ts'
import { parsePrice } from './price.ts'
import { linesOf, rate } from './rate.ts'
import { partsOf, plainUsage, priceText, priceTexts, tariffOf, UNITS } from './usage.fixture.ts'

const NONE: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  source: 'reported',
}

/** Nano-dollars of a count at a price in text, by long division on its digits. */
function longhand(count: number, text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.')
  // At twelve decimals a price a million tokens is whole in billionths of a nano-dollar a token.
  const product = BigInt(count) * BigInt(whole + fraction.padEnd(12, '0'))
  const floor = product / 10n ** 9n
  const rest = product - floor * 10n ** 9n
  if (rest * 2n < 10n ** 9n) return floor
  if (rest * 2n > 10n ** 9n) return floor + 1n
  return floor % 2n === 0n ? floor : floor + 1n
}

describe('rating', () => {
  it('equals long division, line by line', () => {
    fc.assert(
      fc.property(priceTexts, plainUsage, (prices, usage) => {
        const parts = partsOf(usage)
        const expected = UNITS.reduce((sum, unit) => sum + longhand(parts[unit], prices[unit]), 0n)
        expect(rate(tariffOf(prices), usage, 0).dollars).toBe(expected)
      }),
      { numRuns: 1_000 },
    )
  })

  it('costs what its lines add up to, and the lines come back from the rate as the ledger keeps it', () => {
    fc.assert(
      fc.property(priceTexts, plainUsage, (prices, usage) => {
        const rated = rate(tariffOf(prices), usage, 0)
        const lines = linesOf(usage, JSON.parse(JSON.stringify(rated.rate)))!
        expect(lines.reduce((sum, line) => sum + line.dollars, 0n)).toBe(rated.dollars)
        expect(lines).toEqual(linesOf(usage, rated.rate!))
        expect(lines.every(line => line.tokens > 0)).toBe(true)
        expect(lines.map(line => line.unit)).toEqual(UNITS.filter(unit => partsOf(usage)[unit] > 0))
      }),
    )
  })

  it('never falls when a token is added', () => {
    const more = fc.constantFrom('cachedInputTokens', 'cacheWrite5mTokens', 'cacheWrite1hTokens', null)
    fc.assert(
      fc.property(priceTexts, plainUsage, more, fc.nat(1_000), (prices, usage, part, added) => {
        const input = { ...usage, inputTokens: usage.inputTokens + added }
        const grown = part === null ? input : { ...input, [part]: usage[part] + added }
        const output = { ...usage, outputTokens: usage.outputTokens + added }
        const tariff = tariffOf(prices)
        const before = rate(tariff, usage, 0).dollars!
        expect(rate(tariff, grown, 0).dollars! >= before).toBe(true)
        expect(rate(tariff, output, 0).dollars! >= before).toBe(true)
      }),
    )
  })

  it('by numbers and by bigints agrees', () => {
    const tokens = fc.oneof(fc.nat(1_000), fc.nat(2 ** 31 - 1), fc.integer({ min: 0, max: 2 ** 53 - 1 }))
    fc.assert(
      fc.property(priceText, tokens, fc.constantFrom('input', 'webSearch'), (text, tokens, unit) => {
        const charge = chargeFor(unit, parsePrice(text)!)
        const small = smallCost(charge, tokens)
        if (small === -1) expect(tokens).toBeGreaterThan(charge.safeCount)
        else expect(BigInt(small)).toBe(exactCost(charge, tokens))
      }),
      { numRuns: 2_000 },
    )
  })

  it('by numbers serves every count of a real call at every real price', () => {
    for (const text of ['600', '0.003625', '0.10875', '3.4375', '0.123456789']) {
      expect(chargeFor('input', parsePrice(text)!).safeCount).toBeGreaterThan(4_000_000)
    }
  })

  it.each([
    ['0.0005', 1, 0n],
    ['0.0005', 3, 2n],
    ['0.0005', 5, 2n],
    ['0.000501', 1, 1n],
    ['0.000499', 1, 0n],
    ['75', 1_000_000_000_000, 75_000_000_000_000_000n],
  ])('at $%s a million, %d tokens cost %d nano-dollars', (input, inputTokens, dollars) => {
    expect(rate(tariffOf({ input }), { ...NONE, inputTokens }, 0).dollars).toBe(dollars)
  })

  it('rounds each line, not their sum', () => {
    const prices = { input: '0.0004', cachedInput: '0.0004', output: '0.0004' }
    const usage = { ...NONE, inputTokens: 2, cachedInputTokens: 1, outputTokens: 1 }
    expect(rate(tariffOf(prices), usage, 0).dollars).toBe(0n)
  })

  it('does not add reasoning to the output that it is part of', () => {
    const tariff = tariffOf({ input: '1', output: '1' })
    const usage = { ...NONE, inputTokens: 10, outputTokens: 1_000, reasoningTokens: 999 }
    expect(rate(tariff, usage, 0).dollars).toBe(1_010_000n)
  })

  it('costs nothing where nothing was used, whether it has a price or not', () => {
    expect(rate(tariffOf({}), NONE, 0).dollars).toBe(0n)
    expect(linesOf(NONE, rate(tariffOf({}), NONE, 0).rate!)).toEqual([])
  })

  it('gives the same rate object to all attempts that it applies to', () => {
    const tariff = tariffOf({ input: '1', output: '2' })
    const first = rate(tariff, { ...NONE, inputTokens: 5 }, 0).rate
    expect(rate(tariff, { ...NONE, outputTokens: 7 }, 1e12).rate).toBe(first)
  })
})

describe('unrated', () => {
  it('is what nobody knows a price of', () => {
    expect(rate(null, { ...NONE, inputTokens: 1 }, 0)).toEqual({ rate: null, dollars: null })
  })

  it('is a usage of which any used unit has no price, and none else', () => {
    const priced = fc.uniqueArray(fc.constantFrom(...UNITS))
    fc.assert(
      fc.property(priceTexts, plainUsage, priced, (prices, usage, known) => {
        const tariff = tariffOf(Object.fromEntries(known.map(unit => [unit, prices[unit]])))
        const used = UNITS.filter(unit => partsOf(usage)[unit] > 0)
        const rated = rate(tariff, usage, 0)
        expect(rated.dollars !== null).toBe(used.every(unit => known.includes(unit)))
        expect(linesOf(usage, rated.rate!) !== null).toBe(rated.dollars !== null)
      }),
    )
  })

  it.each([
    { inputTokens: 10, cachedInputTokens: 11 },
    { inputTokens: 10, cachedInputTokens: 6, cacheWrite5mTokens: 5 },
    { inputTokens: 10, special: { inputAudioTokens: 11 } },
    { inputTokens: 10, special: { cachedAudioTokens: 1 } },
    { inputTokens: 10, outputTokens: 3, special: { outputAudioTokens: 4 } },
  ])('is a usage whose parts are larger than their whole: %j', counts => {
    const tariff = tariffOf({ input: '1', cachedInput: '1', cacheWrite5m: '1', output: '1' })
    const rated = rate(tariff, { ...NONE, ...counts }, 0)
    expect(rated.dollars).toBeNull()
    expect(linesOf({ ...NONE, ...counts }, rated.rate!)).toBeNull()
  })

  it('are audio, pictures that were made and searches without a price; pictures that were read cost as text', () => {
    const tariff = tariffOf({ input: '1', cachedInput: '0.1', output: '2' })
    const dollars = (counts: Partial<Usage>) =>
      rate(tariff, { ...NONE, inputTokens: 100, outputTokens: 10, ...counts }, 0).dollars
    expect(dollars({ special: { inputAudioTokens: 1 } })).toBeNull()
    expect(dollars({ special: { outputImageTokens: 1 } })).toBeNull()
    expect(dollars({ special: { webSearches: 1 } })).toBeNull()
    expect(dollars({ special: { inputImageTokens: 90 } })).toBe(dollars({}))
    expect(dollars({ special: { webSearches: 0, inputAudioTokens: 0 } })).toBe(dollars({}))
  })
})
