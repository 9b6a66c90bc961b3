import type { EpochMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { LineUnit } from '../../vocabulary/price.ts'
import type { BookModel, BookProvider, PriceBook } from './book.ts'
import { cardFromPrices, type RateCard } from './card.ts'
import { matches } from './clause.ts'
import { type Circumstances, type Modification, modificationFor } from './modifiers.ts'
import { type PricePeriod, periodAt, priceAbove, type TieredPrice, thresholdsOf } from './period.ts'
import { multiplyPrice, type Price, parsePrice } from './price.ts'

/** Prices for one stretch of time and one range of context sizes. */
interface Cell {
  readonly period: PricePeriod
  /** The context exceeds it; null below the first. */
  readonly threshold: number | null
  /** At the provider's ordinary service. */
  readonly ordinary: RateCard
  /** The ordinary cards of this cell and of all for smaller contexts. */
  readonly upTo: readonly RateCard[]
  /** By circumstances; only those with a price are kept, so that what an upstream says can't fill it. */
  readonly modified: Map<string, RateCard>
}

interface TariffParts {
  readonly priceBook: string
  readonly provider: string | null
  readonly model: string
  readonly periods: readonly PricePeriod[]
}

/**
 * The prices of one deployment. It makes each rate once and gives it out again, so that a rate can be recognised by its
 * identity.
 */
export class Tariff {
  readonly #parts: TariffParts
  /** By period, then by how many thresholds the context exceeds. */
  readonly #cells: readonly (readonly Cell[])[]
  readonly #thresholds: readonly (readonly number[])[]

  constructor(parts: TariffParts) {
    this.#parts = parts
    this.#thresholds = parts.periods.map(thresholdsOf)
    this.#cells = parts.periods.map((period, i) => cellsOf(period, this.#thresholds[i]!, parts.priceBook))
  }

  /** The prices of a call that is served as usual. */
  ordinaryCard(at: EpochMs, inputTokens: Tokens): RateCard {
    return this.#cell(at, inputTokens).ordinary
  }

  /** The prices of a call under circumstances (without neutral ones); null when they have no known price. */
  modifiedCard(at: EpochMs, inputTokens: Tokens, circumstances: Circumstances): RateCard | null {
    const cell = this.#cell(at, inputTokens)
    const { serviceTier, speed, inferenceGeo } = circumstances
    // No value with a price is empty or holds a line break, and those without one are never kept.
    const key = `${serviceTier ?? ''}\n${speed ?? ''}\n${inferenceGeo ?? ''}`
    const known = cell.modified.get(key)
    if (known !== undefined) return known
    const { provider, model, priceBook } = this.#parts
    const modification = modificationFor(provider, model, circumstances)
    const card = modification === null ? null : modify(cell, modification, priceBook)
    if (card !== null) cell.modified.set(key, card)
    return card
  }

  /** The prices of a call as usual for every context up to this size, the smallest first. Always the same object. */
  cardsUpTo(at: EpochMs, inputTokens: Tokens): readonly RateCard[] {
    return this.#cell(at, inputTokens).upTo
  }

  /** Whether reasoning has a price of its own, which no line of ours can show. */
  pricesReasoningApart(at: EpochMs): boolean {
    const { periods } = this.#parts
    return periods[periodAt(periods, at)]!.reasoningApart
  }

  #cell(at: EpochMs, inputTokens: Tokens): Cell {
    const period = periodAt(this.#parts.periods, at)
    return this.#cells[period]![this.#tier(period, inputTokens)]!
  }

  #tier(period: number, inputTokens: Tokens): number {
    const thresholds = this.#thresholds[period]!
    let tier = 0
    while (tier < thresholds.length && inputTokens > thresholds[tier]!) tier++
    return tier
  }
}

function cellsOf(period: PricePeriod, thresholds: readonly number[], priceBook: string): readonly Cell[] {
  const cards: RateCard[] = []
  return [null, ...thresholds].map(threshold => {
    const ordinary = cardFromPrices(pricesOf(period, threshold, []), describe(priceBook, period, threshold, []))
    cards.push(ordinary)
    return { period, threshold, ordinary, upTo: cards.slice(), modified: new Map() }
  })
}

function pricesOf(
  period: PricePeriod,
  threshold: number | null,
  ratios: Modification['ratios'],
): ReadonlyMap<LineUnit, Price> {
  const prices = new Map<LineUnit, Price>()
  for (const [unit, tiered] of Object.entries(period.prices) as [LineUnit, TieredPrice][]) {
    let price: Price | null = priceAbove(tiered, threshold)
    if (unit !== 'webSearch') {
      for (const ratio of ratios) price = price === null ? null : multiplyPrice(price, ratio)
    }
    if (price !== null) prices.set(unit, price)
  }
  return prices
}

function describe(
  priceBook: string,
  { validity }: PricePeriod,
  threshold: number | null,
  labels: readonly string[],
): string {
  const parts = [priceBook]
  if (validity !== null) parts.push(validity.kind === 'from' ? `from ${validity.date}` : `daily ${validity.window}`)
  if (threshold !== null) parts.push(`above ${threshold} input tokens`)
  return [...parts, ...labels].join('; ')
}

function modify({ period, threshold }: Cell, modification: Modification, priceBook: string): RateCard | null {
  if (modification.shortContextOnly && threshold !== null) return null
  const prices = pricesOf(period, threshold, modification.ratios)
  return cardFromPrices(prices, describe(priceBook, period, threshold, modification.labels))
}

/** Prices of our own configuration: dollars per million tokens as decimals. */
export interface OverridePrices {
  readonly input?: string
  readonly cachedInput?: string
  readonly cacheWrite5m?: string
  readonly cacheWrite1h?: string
  readonly output?: string
}

/**
 * A tariff of given prices that never change. Calls under circumstances that are not ordinary (`batch`, `fast`, …) are
 * unrated, since what these cost there is not said.
 *
 * @param priceBook where the prices are from, as receipts show it
 * @throws RangeError when a price is no plain decimal or negative
 */
export function tariffFromOverride(prices: OverridePrices, priceBook: string): Tariff {
  const period: Partial<Record<LineUnit, { base: Price; tiers: [] }>> = {}
  for (const unit of ['input', 'cachedInput', 'cacheWrite5m', 'cacheWrite1h', 'output'] as const) {
    const text = prices[unit]
    if (text === undefined) continue
    const base = parsePrice(text)
    if (base === null) throw new RangeError(`'${text}' is no price in dollars per million tokens`)
    period[unit] = { base, tiers: [] }
  }
  const periods = [{ validity: null, prices: period, reasoningApart: false }]
  return new Tariff({ priceBook, provider: null, model: '', periods })
}

/** Tariffs that a book has given out, so that deployments of one model share their rates. */
const tariffs = new WeakMap<PriceBook, Map<string, Tariff>>()

/**
 * The public prices of a model at an upstream.
 *
 * @param baseUrl of the upstream: its host tells the provider
 * @param model its name at the upstream
 * @returns null when the book knows no such provider or model, or none of the model's prices
 */
export function tariffFor(
  book: PriceBook,
  { baseUrl, model }: { readonly baseUrl: string; readonly model: string },
): Tariff | null {
  const provider = book.providers.find(({ url }) => url.test(baseUrl))
  if (provider === undefined) return null
  const name = model.toLowerCase().trim()
  const found = findModel(book, provider, name) ?? findModel(book, provider, hyphenateDate(name))
  if (found === null || found.model.periods.every(({ prices }) => Object.keys(prices).length === 0)) return null
  const { id, periods } = found.model
  const priceBook = `${book.name}, ${book.date}: ${found.provider.id}/${id}`
  const given = tariffs.get(book) ?? new Map<string, Tariff>()
  tariffs.set(book, given)
  // A model that is sold by another provider than its maker has the maker's prices, but not its modifiers.
  const key = JSON.stringify([provider.id, found.provider.id, id])
  const tariff = given.get(key) ?? new Tariff({ priceBook, provider: provider.id, model: id, periods })
  given.set(key, tariff)
  return tariff
}

function findModel(
  book: PriceBook,
  provider: BookProvider,
  name: string,
): { readonly provider: BookProvider; readonly model: BookModel } | null {
  const model = provider.models().find(({ clause }) => matches(clause, name))
  if (model !== undefined) return { provider, model }
  for (const id of provider.fallbacks) {
    const fallback = book.providers.find(other => other.id === id)
    const found = fallback?.models().find(({ clause }) => matches(clause, name))
    if (fallback !== undefined && found !== undefined) return { provider: fallback, model: found }
  }
  return null
}

/** `…-20250514` as `…-2025-05-14`: the book names some models by the one spelling only. */
function hyphenateDate(name: string): string {
  return name.replace(/-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, '-$1-$2-$3')
}
