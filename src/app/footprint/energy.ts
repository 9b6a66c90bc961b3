import { busyMs, energy } from '../../simulation/power.ts'
import { type PricedStep, pricedDecode, pricedPrefill } from '../../simulation/price.ts'
import { stepTime } from '../../simulation/step-time.ts'
import type { Joules } from '../../units/energy.ts'
import type { EngineKind } from '../../vocabulary/deployment.ts'
import { knownReplica } from './knownReplica.ts'

/** What a token takes from the grid, cooling and losses included. */
export interface TokenEnergy {
  readonly perInputToken: Joules
  readonly perOutputToken: Joules
}

/** Watts of a host for each of its accelerators: 1.2 kW for eight. Source: EcoLogits 0.9. */
const HOST_WATTS = 150
/** Energy of a data centre for each unit that its machines take. Source: Uptime Institute's surveys, about 1.55 since 2018. */
const OWN_PUE = 1.55
/** The same of the large providers. Sources: EcoLogits 0.9 (OpenAI 1.20), reports of Google (1.09) and Microsoft (1.16). */
const HOSTED_PUE = 1.2

/** A hosted model whose weights are public is taken to run on these, as few as its weights fit into. */
const HOSTED_ACCELERATOR = 'H100-SXM'
const MOST_ACCELERATORS = 16

/**
 * Watt-hours for which a provider asks a dollar: an assumption, that within the market energy follows the price. From
 * the one model of which both were known: GPT-4o, 0.3 Wh an answer of 500 tokens, data centre included (Epoch AI, How much
 * energy does ChatGPT use, February 2025), at 10 dollars per million of them. For input the same comes near to what that
 * source says of long prompts.
 */
const WATT_HOURS_PER_DOLLAR = 0.3 / (500 * 10e-6)
/** Prices of that model, which stand in for prices that nobody knows. */
const ASSUMED_DOLLARS_PER_MILLION: TokenPrices = { input: 2.5, output: 10 }
const JOULES_PER_WATT_HOUR = 3_600

/** Dollars per million tokens. */
export interface TokenPrices {
  readonly input: number
  readonly output: number
}

interface Hardware {
  readonly kind: string
  readonly count: number
}

/**
 * Energy of a model on given accelerators at a well-used batch: the same steps that price a simulated model's tokens,
 * with their modelled time and power, the hosts' share and the data centre's.
 *
 * @returns null when model or accelerator is in no table, or the weights do not fit
 */
export function ownEnergy(engine: EngineKind, accelerator: Hardware, model: string): TokenEnergy | null {
  return modelledEnergy(model, accelerator, engine, OWN_PUE)
}

/**
 * Energy of a model of a hosted API: modelled on usual hardware where its weights are public, else assumed from its
 * prices.
 *
 * @param prices null when nobody knows them
 */
export function hostedEnergy(model: string, prices: TokenPrices | null): TokenEnergy {
  for (let count = 1; count <= MOST_ACCELERATORS; count *= 2) {
    const modelled = modelledEnergy(model, { kind: HOSTED_ACCELERATOR, count }, 'vllm', HOSTED_PUE)
    if (modelled !== null) return modelled
  }
  // Who asks nothing for its tokens still makes them somehow.
  const { input, output } = prices !== null && prices.output > 0 ? prices : ASSUMED_DOLLARS_PER_MILLION
  const joules = (WATT_HOURS_PER_DOLLAR * JOULES_PER_WATT_HOUR) / 1e6
  return { perInputToken: input * joules, perOutputToken: output * joules }
}

function modelledEnergy(model: string, accelerator: Hardware, engine: EngineKind, pue: number): TokenEnergy | null {
  const replica = knownReplica(engine, accelerator, model)
  if (replica === null) return null
  const perToken = ({ batch, tokens }: PricedStep) => {
    const { costs, power } = replica.options
    const durationMs = stepTime(costs, batch)
    const hosts = (HOST_WATTS * durationMs) / 1_000
    return (accelerator.count * pue * (energy(power, { durationMs, ...busyMs(costs, batch) }) + hosts)) / tokens
  }
  return {
    perInputToken: perToken(pricedPrefill(replica.options)),
    perOutputToken: perToken(pricedDecode(replica.options)),
  }
}
