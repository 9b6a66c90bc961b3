import { formatPerMillion, type NanoDollars, parseDollars } from '../units/money.ts'
import { accelerator as acceleratorNamed } from './accelerators.ts'
import type { EngineOptions } from './engine.ts'
import { describeReplica } from './replica.ts'
import { type Batch, stepTime } from './step-time.ts'

/** Prices of a simulated model in dollars per million tokens, as plain decimals of at most six places. */
export interface SimulatedPrice {
  readonly input: string
  readonly cachedInput: string
  readonly output: string
}

/** The batch at which throughput is modelled: a well-used engine with conversations of ordinary length. */
export const PRICED_SEQUENCES = 64
export const PRICED_CONTEXT_TOKENS = 2048
/** Cached input costs this part of computed input: it takes room in the cache and no arithmetic. */
const CACHED_PART = 10n
/** For an accelerator whose rent nobody named and the table does not know: the rent of an H100 for its watts. */
const DOLLARS_PER_HOUR_AND_WATT = 1.3 / 700

const FEMTOSECONDS = 1e15
const FEMTOSECONDS_PER_HOUR = 3_600n * 10n ** 15n
const PICO_PER_NANO = 1_000n

/** Accelerators of one replica. */
export interface RentedAccelerators {
  readonly kind: string
  readonly count: number
  /** Of one accelerator; null takes the table's long-term rent. */
  readonly dollarsPerHour: NanoDollars | null
}

/** Dollars an hour of all accelerators of a replica together. */
export function rentPerHour({ kind, count, dollarsPerHour }: RentedAccelerators): NanoDollars {
  return (dollarsPerHour ?? tableRent(kind)) * BigInt(count)
}

/**
 * What tokens cost if the accelerators are always busy: dollars an hour × seconds that a token takes of the engine.
 *
 *     output      = rent / second × step time of 64 sequences with 2,048 tokens of context / 64
 *     input       = rent / second × step time of one full prefill step / its tokens
 *     cachedInput = input / 10
 *
 * @throws Error when the model or accelerator is unknown or the model does not fit
 */
export function simulatedPrice(model: string, accelerator: RentedAccelerators): SimulatedPrice {
  const { options } = describeReplica({ model, accelerator })
  const perHour = rentPerHour(accelerator)
  const decode = pricedDecode(options)
  const prefill = pricedPrefill(options)
  const input = picoDollars(perHour, stepTime(options.costs, prefill.batch) / prefill.tokens)
  return {
    input: formatPerMillion(input),
    cachedInput: formatPerMillion(atLeastOne(input / CACHED_PART)),
    output: formatPerMillion(picoDollars(perHour, stepTime(options.costs, decode.batch) / decode.tokens)),
  }
}

/** One step of a well-used engine, and the tokens that it computes. */
export interface PricedStep {
  readonly batch: Batch
  readonly tokens: number
}

/** The step that prices output: every sequence gets a token. */
export function pricedDecode({ costs }: EngineOptions): PricedStep {
  const batch = {
    decodeSequences: PRICED_SEQUENCES,
    prefillTokens: 0,
    contextTokens: PRICED_SEQUENCES * PRICED_CONTEXT_TOKENS,
    windowedContextTokens: PRICED_SEQUENCES * Math.min(PRICED_CONTEXT_TOKENS, costs.shape.model.windowTokens),
    prefillPairs: 0,
    windowedPrefillPairs: 0,
  }
  return { batch, tokens: PRICED_SEQUENCES }
}

/** The step that prices input: as many tokens of prompts as a step takes. */
export function pricedPrefill({ costs, limits }: EngineOptions): PricedStep {
  const { stepTokens } = limits
  const batch = {
    decodeSequences: 0,
    prefillTokens: stepTokens,
    contextTokens: 0,
    windowedContextTokens: 0,
    prefillPairs: (stepTokens * PRICED_CONTEXT_TOKENS) / 2,
    windowedPrefillPairs: stepTokens * Math.min(PRICED_CONTEXT_TOKENS / 2, costs.shape.model.windowTokens),
  }
  return { batch, tokens: stepTokens }
}

/** Rounded down, but never to nothing: pico-dollars a token are millionths of a dollar per million tokens. */
function picoDollars(nanoDollarsPerHour: NanoDollars, tokenMs: number): bigint {
  const femtoseconds = BigInt(Math.round((tokenMs / 1000) * FEMTOSECONDS))
  return atLeastOne((nanoDollarsPerHour * PICO_PER_NANO * femtoseconds) / FEMTOSECONDS_PER_HOUR)
}

function atLeastOne(price: bigint): bigint {
  return price > 0n ? price : 1n
}

function tableRent(kind: string): NanoDollars {
  const { rentalDollarsPerHour, tdpWatts } = acceleratorNamed(kind)
  const known = rentalDollarsPerHour === null ? null : parseDollars(rentalDollarsPerHour)
  return known ?? BigInt(Math.round(tdpWatts * DOLLARS_PER_HOUR_AND_WATT * 1e9))
}
