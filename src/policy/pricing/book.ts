import type { LineUnit } from '../../vocabulary/price.ts'
import { type Clause, isClause } from './clause.ts'
import type { PricePeriod, TieredPrice, Validity } from './period.ts'
import { priceOf } from './price.ts'

/** A model as the price book knows it. */
export interface BookModel {
  readonly id: string
  readonly clause: Clause
  /** At least one. */
  readonly periods: readonly PricePeriod[]
}

export interface BookProvider {
  readonly id: string
  /** Matches base URLs of the provider from their beginning. */
  readonly url: RegExp
  /** Read when first asked for: most providers of a book are never called. */
  readonly models: () => readonly BookModel[]
  /** Providers whose models are looked up when this one's own list has none. */
  readonly fallbacks: readonly string[]
}

/** Public prices as they were at a date. */
export interface PriceBook {
  /** `genai-prices 0.1.8`. */
  readonly name: string
  /** Date of the data: `2026-09-23`. */
  readonly date: string
  readonly providers: readonly BookProvider[]
}

/** The book's names of what we count. Cache writes of unnamed lifetime are the five-minute ones. */
const UNIT_KEYS: readonly (readonly [unit: LineUnit, ...keys: string[]])[] = [
  ['input', 'input_mtok'],
  ['cachedInput', 'cache_read_mtok'],
  ['cacheWrite5m', 'cache_write_5m_mtok', 'cache_write_mtok'],
  ['cacheWrite1h', 'cache_write_1h_mtok'],
  ['output', 'output_mtok'],
  ['inputAudio', 'input_audio_mtok'],
  ['cachedAudio', 'cache_audio_read_mtok'],
  ['outputAudio', 'output_audio_mtok'],
  ['inputImage', 'input_image_mtok'],
  ['cachedImage', 'cache_image_read_mtok'],
  ['outputImage', 'output_image_mtok'],
  ['webSearch', 'web_searches_kcount'],
]

/**
 * Every call of a model with one of these costs more than its usage tells: a fee by search context that the answer does
 * not name, or tokens that are not in it. Such a model has no prices for us, so its calls are unrated rather than wrong.
 */
const UNCOUNTABLE_KEYS = ['requests_kcount', 'output_citation_mtok']

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

function readTieredPrice(value: unknown): TieredPrice | null {
  const flat = priceOf(value)
  if (flat !== null) return { base: flat, tiers: [] }
  const fields = fieldsOf(value)
  const base = priceOf(fields?.base)
  if (fields === null || base === null || !Array.isArray(fields.tiers)) return null
  const tiers: { above: number; price: NonNullable<ReturnType<typeof priceOf>> }[] = []
  for (const tier of fields.tiers) {
    const { start, price: amount } = fieldsOf(tier) ?? {}
    const price = priceOf(amount)
    if (price === null || typeof start !== 'number' || !Number.isSafeInteger(start) || start < 0) return null
    tiers.push({ above: start, price })
  }
  return { base, tiers: tiers.sort((a, b) => a.above - b.above) }
}

/** `00:30:00Z` as milliseconds since midnight UTC. */
function readTimeOfDay(text: unknown): number | null {
  const found = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)Z$/.exec(String(text))
  return found ? (Number(found[1]) * 3_600 + Number(found[2]) * 60 + Number(found[3])) * 1_000 : null
}

function readValidity(value: unknown): Validity | 'unknown' | null {
  if (value === undefined) return null
  const { start_date: date, start_time: start, end_time: end } = fieldsOf(value) ?? {}
  if (typeof date === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(date)) {
    const at = Date.parse(`${date}T00:00:00Z`)
    return Number.isNaN(at) ? 'unknown' : { kind: 'from', at, date }
  }
  const startMs = readTimeOfDay(start)
  const endMs = readTimeOfDay(end)
  if (startMs === null || endMs === null) return 'unknown'
  return { kind: 'daily', startMs, endMs, window: `${start} to ${end}` }
}

/** @returns null when any of it can't be understood: a price that is half known is not known */
function readPeriod(prices: unknown, constraint: unknown): PricePeriod | null {
  const fields = fieldsOf(prices)
  const validity = readValidity(constraint)
  if (fields === null || validity === 'unknown') return null
  const reasoningApart = fields.output_reasoning_mtok !== undefined
  if (UNCOUNTABLE_KEYS.some(key => fields[key] !== undefined)) return { validity, prices: {}, reasoningApart }
  const read: Partial<Record<LineUnit, TieredPrice>> = {}
  for (const [unit, ...keys] of UNIT_KEYS) {
    const key = keys.find(name => fields[name] !== undefined)
    if (key === undefined) continue
    const price = readTieredPrice(fields[key])
    if (price === null) return null
    read[unit] = price
  }
  return { validity, prices: read, reasoningApart }
}

function readModel(value: unknown): BookModel | null {
  const { id, match, prices } = fieldsOf(value) ?? {}
  if (typeof id !== 'string' || !isClause(match)) return null
  const periods = Array.isArray(prices)
    ? prices.map(entry => readPeriod(fieldsOf(entry)?.prices, fieldsOf(entry)?.constraint))
    : [readPeriod(prices, undefined)]
  // A model that can't be read keeps its place without prices, so that no later, wider clause takes its calls.
  const known = periods.length > 0 && periods.every(period => period !== null)
  return { id, clause: match, periods: known ? periods : [{ validity: null, prices: {}, reasoningApart: false }] }
}

function readProvider(value: unknown): BookProvider {
  const fields = fieldsOf(value)
  const { id, api_pattern: pattern, models, fallback_model_providers: fallbacks = [] } = fields ?? {}
  if (typeof id !== 'string' || typeof pattern !== 'string' || !Array.isArray(models) || !Array.isArray(fallbacks)) {
    throw new TypeError(`a provider of the price book has an unknown form: ${String(id)}`)
  }
  let read: readonly BookModel[] | null = null
  return {
    id,
    url: new RegExp(`^(?:${pattern})`),
    models: () => {
      read ??= models.map(readModel).filter(model => model !== null)
      return read
    },
    fallbacks: fallbacks.filter(name => typeof name === 'string'),
  }
}

/**
 * Reads the price data of genai-prices (version 2 of its form) into exact decimals. What it does not know of a model
 * leaves that model without prices, never with a guess.
 *
 * @param data the list of providers
 * @param source whose data it is and of which date, as receipts name it
 * @throws TypeError when the data is no list of providers
 */
export function readPriceBook(data: unknown, source: { readonly name: string; readonly date: string }): PriceBook {
  if (!Array.isArray(data)) throw new TypeError('a price book is a list of providers')
  return { name: source.name, date: source.date, providers: data.map(readProvider) }
}
