import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { divideHalfEven, formatDollars, formatPerMillion, parseDollars, parsePerMillion } from './money.ts'

const nanoDollars = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n })

describe('dollars as text', () => {
  it.each([
    ['0', 0n],
    ['12.5', 12_500_000_000n],
    ['0.000000001', 1n],
    ['-0.25', -250_000_000n],
    ['0.4500', 450_000_000n],
    ['0.1000000000000', 100_000_000n],
    ['007', 7_000_000_000n],
  ])('%s is read exactly', (text, amount) => expect(parseDollars(text)).toBe(amount))

  it.each([
    '',
    '.',
    '1.',
    '.5',
    '1e3',
    '1,5',
    ' 1',
    '1 ',
    '+1',
    '$1',
    '0.0000000001',
    '١',
    'NaN',
    `1${'0'.repeat(24)}`,
  ])('%j is no amount of dollars', text => expect(parseDollars(text)).toBeNull())

  it('comes back as it was written, without trailing zeros', () => {
    fc.assert(
      fc.property(nanoDollars, amount => {
        const text = formatDollars(amount)
        expect(text).toMatch(/^-?\d+(\.\d*[1-9])?$/)
        expect(parseDollars(text)).toBe(amount)
      }),
    )
  })

  it('reads a number of the same value from its decimal spelling, whatever zeros end it', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(999_999), fc.nat(5), (whole, fraction, zeros) => {
        const text = `${whole}.${fraction.toString().padStart(6, '0')}${'0'.repeat(zeros)}`
        expect(parseDollars(text)).toBe(BigInt(whole) * 1_000_000_000n + BigInt(fraction) * 1_000n)
      }),
    )
  })
})

describe('prices as text', () => {
  it.each([
    ['0.10', 100_000n, '0.1'],
    ['12.345678', 12_345_678n, '12.345678'],
    ['0', 0n, '0'],
    ['75', 75_000_000n, '75'],
  ])('%s is read exactly and written shortly', (text, price, short) => {
    expect(parsePerMillion(text)).toBe(price)
    expect(formatPerMillion(price)).toBe(short)
  })

  it('refuses more decimals than a whole pico-dollar a token has', () => {
    expect(parsePerMillion('0.0000001')).toBeNull()
  })
})

describe('rounding half to even', () => {
  it.each([
    [5n, 10n, 0n],
    [15n, 10n, 2n],
    [25n, 10n, 2n],
    [26n, 10n, 3n],
    [24n, 10n, 2n],
    [-5n, 10n, 0n],
    [-15n, 10n, -2n],
    [-25n, 10n, -2n],
    [7n, 1n, 7n],
  ])('%d / %d is %d', (numerator, denominator, quotient) => {
    expect(divideHalfEven(numerator, denominator)).toBe(quotient)
  })

  const denominator = fc.bigInt({ min: 1n, max: 10n ** 15n })

  it('is never off by more than a half, and even where it is off by exactly that', () => {
    fc.assert(
      fc.property(nanoDollars, denominator, (numerator, by) => {
        const quotient = divideHalfEven(numerator, by)
        const twiceOff = 2n * (quotient * by - numerator)
        const distance = twiceOff < 0n ? -twiceOff : twiceOff
        expect(distance <= by).toBe(true)
        if (distance === by) expect(quotient % 2n).toBe(0n)
      }),
    )
  })

  it('treats debts and credits alike', () => {
    fc.assert(
      fc.property(nanoDollars, denominator, (numerator, by) => {
        expect(divideHalfEven(-numerator, by)).toBe(-divideHalfEven(numerator, by))
      }),
    )
  })
})
