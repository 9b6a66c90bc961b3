import type { Deployment, EngineKind } from '../../vocabulary/deployment.ts'
import type { DialectName } from '../../vocabulary/dialect.ts'
import { footprintOf } from '../footprint/footprint.ts'
import type { PriceOverride, UpstreamSettings } from './configuration.ts'
import { slotsOf } from './slots.ts'

/** The dialects that each engine speaks at one base URL, unless the configuration says otherwise. */
export const DIALECTS_OF_ENGINES: Readonly<Record<EngineKind, readonly DialectName[]>> = {
  vllm: ['openai'],
  sglang: ['openai'],
  trtllm: ['openai'],
  llamacpp: ['openai', 'anthropic'],
  simulated: ['openai', 'anthropic'],
}

/** Dollars per million tokens as the footprint of a model of unknown size is guessed from; null where one is not said. */
function tokenPricesOf({ perMillion: { input, output } }: PriceOverride) {
  return input === undefined || output === undefined ? null : { input: Number(input), output: Number(output) }
}

/**
 * One model at one upstream.
 *
 * @param price what the configuration says that it costs
 */
export function deploymentOf(upstream: UpstreamSettings, model: string, price?: PriceOverride): Deployment {
  const { name, dialects, engine, simulated, accelerator, region } = upstream
  const prices = price ? tokenPricesOf(price) : null
  const grams = footprintOf({ engine, accelerator, model: simulated?.model ?? model, region, prices })
  const replicas = slotsOf(upstream)
  return { name: `${name}/${model}`, upstream: name, model, dialects, engine, replicas, grams }
}
