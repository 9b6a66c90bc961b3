import type { Joules } from '../../units/energy.ts'
import type { EngineKind, TokenGrams } from '../../vocabulary/deployment.ts'
import { hostedEnergy, ownEnergy, type TokenEnergy, type TokenPrices } from './energy.ts'
import { gramsPerKwh } from './regions.ts'

const JOULES_PER_KWH = 3_600_000

/** A deployment, as far as its footprint depends on it. */
export interface FootprintAsk {
  /** Null for a hosted API. */
  readonly engine: EngineKind | null
  /** Of one replica; null when nobody said. */
  readonly accelerator: { readonly kind: string; readonly count: number } | null
  /** Its name at the upstream, or in the model table. */
  readonly model: string
  /** Where the upstream is; null when nobody said. */
  readonly region: string | null
  /** Of the deployment's tariff; absent or null when nobody knows them. They matter to hosted models of unknown size alone. */
  readonly prices?: TokenPrices | null
}

/**
 * Grams of CO2 equivalents that the tokens of a deployment probably cause: their energy times the average intensity of
 * its region's electricity. Modelled, or assumed where the ground for a model is missing; good for comparing deployments,
 * not for reports. Not in it: the making of hardware and the training of models.
 *
 * @returns null when the region is not known, or an engine's model or accelerator
 */
export function footprintOf(ask: FootprintAsk): TokenGrams | null {
  const intensity = ask.region === null ? null : gramsPerKwh(ask.region)
  const joules = intensity === null ? null : energyOf(ask)
  if (intensity === null || joules === null) return null
  const grams = (each: Joules) => (each / JOULES_PER_KWH) * intensity
  return { perInputToken: grams(joules.perInputToken), perOutputToken: grams(joules.perOutputToken) }
}

function energyOf({ engine, accelerator, model, prices = null }: FootprintAsk): TokenEnergy | null {
  if (engine === null) return hostedEnergy(model, prices)
  return accelerator === null ? null : ownEnergy(engine, accelerator, model)
}
