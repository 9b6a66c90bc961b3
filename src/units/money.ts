import type { Unit } from './flavour.ts'

/** Billionths of a dollar, whole, in bigint: no float ever holds money. May be negative in corrections. */
export type NanoDollars = Unit<bigint, 'nanoDollars'>

/**
 * Trillionths of a dollar a token, whole, in bigint. One dollar per million tokens is 1,000,000 of them, so that every
 * price of at most six decimals per million tokens is exact.
 */
export type PicoDollarsPerToken = Unit<bigint, 'picoDollarsPerToken'>

/** Decimals of a nano-dollar amount, and of a price per million tokens in pico-dollars a token. */
const NANO_DECIMALS = 9
const PICO_DECIMALS = 6

function parseDecimal(text: string, decimals: number): bigint | null {
  const found = /^(-?)(\d{1,24})(?:\.(\d{1,24}))?$/.exec(text)
  if (!found) return null
  const fraction = (found[3] ?? '').replace(/0+$/, '')
  if (fraction.length > decimals) return null
  const magnitude = BigInt(found[2]! + fraction.padEnd(decimals, '0'))
  return found[1] ? -magnitude : magnitude
}

function formatDecimal(value: bigint, decimals: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, -decimals)
  const fraction = digits.slice(-decimals).replace(/0+$/, '')
  return `${value < 0n ? '-' : ''}${whole}${fraction ? `.${fraction}` : ''}`
}

/** Reads dollars such as `12.5`; null when the text is no plain decimal or finer than a nano-dollar. */
export function parseDollars(text: string): NanoDollars | null {
  return parseDecimal(text, NANO_DECIMALS)
}

/** Writes dollars as a plain decimal without trailing zeros: `0.0012`. */
export function formatDollars(amount: NanoDollars): string {
  return formatDecimal(amount, NANO_DECIMALS)
}

/** Reads dollars per million tokens; null when the text is no plain decimal or has more than six decimals. */
export function parsePerMillion(text: string): PicoDollarsPerToken | null {
  return parseDecimal(text, PICO_DECIMALS)
}

/** Writes dollars per million tokens as a plain decimal without trailing zeros. */
export function formatPerMillion(price: PicoDollarsPerToken): string {
  return formatDecimal(price, PICO_DECIMALS)
}

/**
 * Divides and rounds half to even, the one rounding that money ever sees.
 *
 * @param denominator positive
 */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  let quotient = numerator / denominator
  let rest = numerator % denominator
  if (rest < 0n) {
    rest += denominator
    quotient -= 1n
  }
  const twice = rest * 2n
  if (twice > denominator || (twice === denominator && (quotient & 1n) === 1n)) quotient += 1n
  return quotient
}
