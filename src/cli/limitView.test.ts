import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDollars } from '../units/money.ts'
import { countWords, dollarWords, readLimits, spanWords, windowWords } from './limitView.ts'

const DOLLARS = { scope: 'key:ci', unit: 'dollars', window: 'total', amount: '5', used: '1', held: '0', left: '4' }

describe('limits of an answer', () => {
  it('are those of a gateway', () => {
    const limits = [
      { ...DOLLARS, resetsAt: null },
      { ...DOLLARS, unit: 'requests', amount: 5, used: 1, held: 0, left: 4, resetsAt: '2026-03-01T00:00:00.000Z' },
    ]
    expect(readLimits({ limits })).toEqual(limits)
    expect(readLimits({ limits: [] })).toEqual([])
  })

  it.each([
    [null],
    [[]],
    ['limits'],
    [{ limits: null }],
    [{ limits: [null] }],
    [{ limits: [DOLLARS] }],
    [{ limits: [{ ...DOLLARS, resetsAt: 'soon' }] }],
    [{ limits: [{ ...DOLLARS, resetsAt: null, unit: 'bananas' }] }],
    [{ limits: [{ ...DOLLARS, resetsAt: null, left: 'much' }] }],
    [{ limits: [{ ...DOLLARS, resetsAt: null, left: 0.5 }] }],
  ])('are not %j', body => expect(readLimits(body)).toBeNull())
})

describe('words', () => {
  it.each([
    ['total', 'total'],
    [null, 'now'],
    [{ sliding: '1m' }, 'any 1m'],
    [{ anchored: '5h' }, '5h from first use'],
    [{ calendar: 'week' }, 'calendar week in UTC'],
    [{ calendar: 'month', timezone: 'Europe/Berlin' }, 'calendar month in Europe/Berlin'],
    [{ cycle: 'month', from: '2026-01-15' }, 'month from 2026-01-15'],
    [{ fiscal: 'year' }, '{"fiscal":"year"}'],
  ])('of the window %j are "%s"', (window, words) => expect(windowWords(window)).toBe(words))

  it.each([
    [1, '1s'],
    [1_001, '2s'],
    [59_000, '59s'],
    [59_001, '1m'],
    [60_001, '2m'],
    [3_540_001, '1h'],
    [8_040_000, '2h 14m'],
    [7_200_000, '2h'],
    [86_340_001, '1d'],
    [90_000_000, '1d 1h'],
    [90_000_001, '1d 2h'],
    [604_800_000, '7d'],
  ])('of %i milliseconds are "%s"', (span, words) => expect(spanWords(span)).toBe(words))

  it('of a span never end before it does, and at most an hour later', () => {
    const scale: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 * 86_400_000 }), span => {
        const told = spanWords(span).split(' ')
        const sum = told.reduce((total, part) => total + Number.parseInt(part, 10) * scale[part.at(-1)!]!, 0)
        expect(sum).toBeGreaterThanOrEqual(span)
        expect(sum - span).toBeLessThan(3_600_000)
      }),
    )
  })

  it.each([
    ['0', '$0.00'],
    ['5', '$5.00'],
    ['3.219', '$3.21'],
    ['0.5', '$0.50'],
    ['0.0999', '$0.0999'],
    ['0.09999', '$0.0999'],
    ['0.05', '$0.05'],
    ['0.0001', '$0.0001'],
    ['0.000099999', '<$0.0001'],
    ['5000', '$5000.00'],
  ])('of %s dollars are %s', (dollars, words) => expect(dollarWords(parseDollars(dollars)!)).toBe(words))

  it.each([
    [0n, '0'],
    [9_999n, '9999'],
    [10_000n, '10k'],
    [12_399n, '12.3k'],
    [999_999n, '999.9k'],
    [2_000_000n, '2M'],
    [1_990_000_000n, '1.9G'],
  ])('of a count of %s are %s', (count, words) => expect(countWords(count)).toBe(words))
})
