import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatPrice, isDearer, multiplyPrice, type Price, parsePrice, priceOf } from './price.ts'

const price = fc.record({ digits: fc.bigInt({ min: 0n, max: 10n ** 18n }), decimals: fc.nat(18) }).map(parts => {
  const text = parts.digits.toString().padStart(parts.decimals + 1, '0')
  const at = text.length - parts.decimals
  return parsePrice(parts.decimals === 0 ? text : `${text.slice(0, at)}.${text.slice(at)}`)!
})

/** The value at thirty decimals, to compare prices of any number of them. */
function scaled({ digits, decimals }: Price): bigint {
  return digits * 10n ** BigInt(30 - decimals)
}

describe('an exact price', () => {
  it.each([
    ['0.100', '0.1'],
    ['0', '0'],
    ['0.000', '0'],
    ['12.345678', '12.345678'],
    ['1e-7', '0.0000001'],
    ['2.5e-8', '0.000000025'],
    ['1.5e+3', '1500'],
    ['0.18000000000000002', '0.18000000000000002'],
  ])('%s is shown as %s', (text, shown) => expect(formatPrice(parsePrice(text)!)).toBe(shown))

  it.each(['', '-1', '1.', '.1', 'free', 'Infinity', '1e', '0x10', '1,000'])('%j is none', text =>
    expect(parsePrice(text)).toBeNull(),
  )

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -0.5, '1', null, undefined, {}])('%s of JSON is none', value =>
    expect(priceOf(value)).toBeNull(),
  )

  it('is what the author of a JSON number wrote, not the float that it became', () => {
    expect(formatPrice(priceOf(0.1)!)).toBe('0.1')
    expect(formatPrice(priceOf(0.003625)!)).toBe('0.003625')
    expect(formatPrice(priceOf(1e-7)!)).toBe('0.0000001')
  })

  it('comes back from its text', () => {
    fc.assert(
      fc.property(price, it => {
        expect(parsePrice(formatPrice(it))).toEqual(it)
      }),
    )
  })

  it('has one form for each value', () => {
    fc.assert(
      fc.property(price, fc.nat(3), (it, zeros) => {
        const longer = formatPrice(it) + (it.decimals === 0 ? '.0' : '') + '0'.repeat(zeros)
        expect(parsePrice(longer)).toEqual(it)
      }),
    )
  })

  it('multiplies by a ratio exactly or not at all', () => {
    fc.assert(
      fc.property(price, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (it, top, bottom) => {
        const product = multiplyPrice(it, [top, bottom])
        if (product === null) {
          // Only a divisor with other primes than two and five can leave an endless fraction.
          let rest = bottom
          while (rest % 2 === 0) rest /= 2
          while (rest % 5 === 0) rest /= 5
          expect(rest).toBeGreaterThan(1)
        } else {
          expect(scaled(product) * BigInt(bottom)).toBe(scaled(it) * BigInt(top))
        }
      }),
    )
  })

  it('knows the dearer of two', () => {
    fc.assert(
      fc.property(price, price, (a, b) => {
        expect(isDearer(a, b)).toBe(scaled(a) > scaled(b))
      }),
    )
  })
})
