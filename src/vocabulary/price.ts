import type { NanoDollars } from '../units/money.ts'
import type { Tokens } from '../units/tokens.ts'

/** What a line of a bill counts. The first five are those of every text model. */
export type LineUnit =
  | 'input'
  | 'cachedInput'
  | 'cacheWrite5m'
  | 'cacheWrite1h'
  | 'output'
  | 'inputAudio'
  | 'cachedAudio'
  | 'outputAudio'
  | 'inputImage'
  | 'cachedImage'
  | 'outputImage'
  | 'webSearch'

/**
 * The prices that applied to one attempt: what is left of a price book after the model, the moment, the size of the
 * context and the service tier were looked up. Few of them exist, many attempts share one, so the ledger stores each
 * once; lines are computed anew from usage and rate and always come out the same.
 */
export interface Rate {
  /** Dollars per million tokens (per thousand searches for `webSearch`), modifiers applied, as plain decimal strings. */
  readonly perMillion: Readonly<Partial<Record<LineUnit, string>>>
  /** Name and date of the price book, and the modifiers that were applied: `genai-prices 0.1.8, 2026-09-23`. */
  readonly priceBook: string
}

/** One line of a bill: tokens × price, rounded half-even once to the nano-dollar. */
export interface Line {
  readonly unit: LineUnit
  readonly tokens: Tokens
  readonly dollarsPerMillion: string
  readonly dollars: NanoDollars
}
