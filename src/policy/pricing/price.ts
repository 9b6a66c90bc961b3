/**
 * An exact price: `digits` × 10^-`decimals` dollars per million tokens (per thousand searches for `webSearch`). Always in
 * its shortest form, so that equal prices have equal parts.
 */
export interface Price {
  readonly digits: bigint
  /** Zero or more. */
  readonly decimals: number
}

/** A rational number by which prices are multiplied: `[11, 10]` is eleven tenths. Both parts are positive and whole. */
export type Ratio = readonly [numerator: number, denominator: number]

/** A quotient with more decimals than this does not end, for all that billing knows: no published price comes near. */
const MAX_DECIMALS = 30

function shortest(digits: bigint, decimals: number): Price {
  if (digits === 0n) return { digits: 0n, decimals: 0 }
  let rest = digits
  let places = decimals
  while (places > 0 && rest % 10n === 0n) {
    rest /= 10n
    places -= 1
  }
  return { digits: rest, decimals: places }
}

/** Reads a price that is written as a plain decimal (`0.100`) or with an exponent (`1e-7`); null when it is neither or negative. */
export function parsePrice(text: string): Price | null {
  const found = /^(\d{1,24})(?:\.(\d{1,24}))?(?:e([+-]?\d{1,2}))?$/.exec(text)
  if (!found) return null
  const fraction = found[2] ?? ''
  const decimals = fraction.length - Number(found[3] ?? 0)
  const digits = BigInt(found[1]! + fraction)
  return decimals >= 0 ? shortest(digits, decimals) : { digits: digits * 10n ** BigInt(-decimals), decimals: 0 }
}

/** The price that a JSON number means: its shortest decimal spelling, which is what its author wrote. Null when it is none. */
export function priceOf(value: unknown): Price | null {
  return typeof value === 'number' ? parsePrice(String(value)) : null
}

/** A plain decimal without trailing zeros. */
export function formatPrice({ digits, decimals }: Price): string {
  const text = digits.toString().padStart(decimals + 1, '0')
  return decimals === 0 ? text : `${text.slice(0, -decimals)}.${text.slice(-decimals)}`
}

/** The exact product; null when it has no finite decimal form, since a bill must show the price that it used. */
export function multiplyPrice(price: Price, [numerator, denominator]: Ratio): Price | null {
  const divisor = BigInt(denominator)
  let digits = price.digits * BigInt(numerator)
  let decimals = price.decimals
  while (digits % divisor !== 0n) {
    digits *= 10n
    decimals += 1
    if (decimals > MAX_DECIMALS) return null
  }
  return shortest(digits / divisor, decimals)
}

/** Whether the first is the greater. */
export function isDearer(a: Price, b: Price): boolean {
  return a.digits * 10n ** BigInt(b.decimals) > b.digits * 10n ** BigInt(a.decimals)
}
