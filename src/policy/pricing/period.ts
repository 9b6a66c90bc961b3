import type { EpochMs } from '../../units/time.ts'
import type { LineUnit } from '../../vocabulary/price.ts'
import type { Price } from './price.ts'

/** A price that may change above a size of the context. */
export interface TieredPrice {
  readonly base: Price
  /** Ascending by `above`. The last whose `above` the whole call's input tokens exceed prices every token of it. */
  readonly tiers: readonly { readonly above: number; readonly price: Price }[]
}

/** When a set of prices applies. */
export type Validity =
  | { readonly kind: 'from'; readonly at: EpochMs; readonly date: string }
  /** Milliseconds since midnight UTC; a window may run past midnight. */
  | { readonly kind: 'daily'; readonly startMs: number; readonly endMs: number; readonly window: string }

/** Prices of a model for one stretch of time. */
export interface PricePeriod {
  /** Null: always. */
  readonly validity: Validity | null
  readonly prices: Readonly<Partial<Record<LineUnit, TieredPrice>>>
  /** The book prices reasoning apart from other output, which no line of ours can say: such output is unrated. */
  readonly reasoningApart: boolean
}

const DAY_MS = 86_400_000

function isValid(validity: Validity | null, at: EpochMs): boolean {
  if (validity === null) return true
  if (validity.kind === 'from') return at >= validity.at
  const { startMs, endMs } = validity
  const timeMs = ((at % DAY_MS) + DAY_MS) % DAY_MS
  return endMs < startMs ? timeMs >= startMs || timeMs < endMs : timeMs >= startMs && timeMs < endMs
}

/**
 * Which of a model's periods applies: the last whose condition holds, else the first. Later entries are refinements of
 * earlier ones in the price book's own reading.
 *
 * @param periods at least one
 * @returns its index
 */
export function periodAt(periods: readonly PricePeriod[], at: EpochMs): number {
  for (let i = periods.length - 1; i > 0; i--) {
    if (isValid(periods[i]!.validity, at)) return i
  }
  return 0
}

/** Sizes of the context above which any price of a period changes, ascending. */
export function thresholdsOf(period: PricePeriod): readonly number[] {
  const above = Object.values(period.prices).flatMap(({ tiers }) => tiers.map(tier => tier.above))
  return [...new Set(above)].sort((a, b) => a - b)
}

/** The price for a context that exceeds this threshold and no higher one; `base` when the threshold is null. */
export function priceAbove({ base, tiers }: TieredPrice, threshold: number | null): Price {
  let price = base
  if (threshold !== null) {
    for (const tier of tiers) if (tier.above <= threshold) price = tier.price
  }
  return price
}
