import { divideHalfEven, type NanoDollars } from '../../units/money.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { LineUnit, Rate } from '../../vocabulary/price.ts'
import { formatPrice, type Price, parsePrice } from './price.ts'

/**
 * A price made ready for multiplication: a count costs `count × factor / divisor` nano-dollars. The numbers beside the
 * bigints are the same values; they serve counts up to `safeCount`, for which every step is a whole number below 2^53,
 * so that nothing is ever rounded but the result, as the law "numbers and bigints agree" in the tests holds them to.
 */
export interface Charge {
  readonly unit: LineUnit
  readonly price: Price
  readonly text: string
  readonly factor: bigint
  readonly divisor: bigint
  readonly smallFactor: number
  readonly smallDivisor: number
  readonly safeCount: number
}

/** A rate with its prices parsed. */
export interface RateCard {
  readonly rate: Rate
  readonly input: Charge | null
  readonly cachedInput: Charge | null
  readonly cacheWrite5m: Charge | null
  readonly cacheWrite1h: Charge | null
  readonly output: Charge | null
  readonly charges: ReadonlyMap<LineUnit, Charge>
}

/** Leaves room to add up some lines and still be below 2^53. */
const SAFE_PRODUCT = 2 ** 49

/** Every unit, in the order in which a bill shows them. */
export const LINE_UNITS: readonly LineUnit[] = [
  'input',
  'cachedInput',
  'cacheWrite5m',
  'cacheWrite1h',
  'output',
  'inputAudio',
  'cachedAudio',
  'outputAudio',
  'inputImage',
  'cachedImage',
  'outputImage',
  'webSearch',
]

/** Decimals of a nano-dollar less those of what a price is for: a million tokens, a thousand searches. */
function decimalsPerCount(unit: LineUnit): number {
  return unit === 'webSearch' ? 9 - 3 : 9 - 6
}

export function chargeFor(unit: LineUnit, price: Price): Charge {
  const shift = decimalsPerCount(unit) - price.decimals
  const factor = shift >= 0 ? price.digits * 10n ** BigInt(shift) : price.digits
  const divisor = shift >= 0 ? 1n : 10n ** BigInt(-shift)
  const isSmall = factor <= BigInt(SAFE_PRODUCT) && divisor <= BigInt(SAFE_PRODUCT)
  return {
    unit,
    price,
    text: formatPrice(price),
    factor,
    divisor,
    smallFactor: isSmall ? Number(factor) : 0,
    smallDivisor: isSmall ? Number(divisor) : 1,
    safeCount: isSmall ? Math.floor(SAFE_PRODUCT / Math.max(1, Number(factor))) : 0,
  }
}

function cardOf(rate: Rate, charges: ReadonlyMap<LineUnit, Charge>): RateCard {
  return {
    rate,
    input: charges.get('input') ?? null,
    cachedInput: charges.get('cachedInput') ?? null,
    cacheWrite5m: charges.get('cacheWrite5m') ?? null,
    cacheWrite1h: charges.get('cacheWrite1h') ?? null,
    output: charges.get('output') ?? null,
    charges,
  }
}

export function cardFromPrices(prices: ReadonlyMap<LineUnit, Price>, priceBook: string): RateCard {
  const charges = new Map<LineUnit, Charge>()
  const perMillion: Partial<Record<LineUnit, string>> = {}
  for (const unit of LINE_UNITS) {
    const price = prices.get(unit)
    if (price === undefined) continue
    const charge = chargeFor(unit, price)
    charges.set(unit, charge)
    perMillion[unit] = charge.text
  }
  return cardOf({ perMillion, priceBook }, charges)
}

/** Rates that come back from the ledger are few objects for many attempts; those that were made here know their card. */
const cards = new WeakMap<Rate, RateCard>()

/** @throws RangeError when the rate holds what is no price: only a rate that was made here is ever stored */
export function cardFromRate(rate: Rate): RateCard {
  const known = cards.get(rate)
  if (known !== undefined) return known
  const charges = new Map<LineUnit, Charge>()
  for (const unit of LINE_UNITS) {
    const text = rate.perMillion[unit]
    if (text === undefined) continue
    const price = parsePrice(text)
    if (price === null) throw new RangeError(`'${text}' is no price of ${unit}`)
    charges.set(unit, chargeFor(unit, price))
  }
  const card = cardOf(rate, charges)
  cards.set(rate, card)
  return card
}

/** What a count costs: exact, then rounded half-even once. */
export function exactCost({ factor, divisor }: Charge, count: Tokens): NanoDollars {
  const product = BigInt(count) * factor
  return divisor === 1n ? product : divideHalfEven(product, divisor)
}

/**
 * The same for counts up to `safeCount`, in whole numbers below 2^53.
 *
 * @returns nano-dollars, or -1 when there is no price or the count is too large: ask `exactCost`
 */
export function smallCost(charge: Charge | null, count: Tokens): number {
  if (charge === null || count > charge.safeCount) return -1
  const product = count * charge.smallFactor
  const divisor = charge.smallDivisor
  if (divisor === 1) return product
  const rest = product % divisor
  const quotient = (product - rest) / divisor
  const twice = rest * 2
  return twice > divisor || (twice === divisor && quotient % 2 === 1) ? quotient + 1 : quotient
}
