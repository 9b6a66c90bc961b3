import { readPriceBook } from '../../policy/pricing/book.ts'
import { rentPerHour } from '../../simulation/price.ts'
import type { ModelledFleet, ModelledUpstream } from '../../twin/fleet.ts'
import type { Pool } from '../../vocabulary/scheduling.ts'
import type { Configuration, UpstreamSettings } from '../configuration/configuration.ts'
import { resolveConfiguration } from '../configuration/resolve.ts'
import { BOOK } from '../priceBook.ts'
import { tariffsOf } from '../prices.ts'
import { replicaOf } from './engines.ts'
import type { FleetForm } from './schema.ts'

/** How many replicas upstreams have, where not as many as their file says. */
export type ReplicaCounts = Readonly<Record<string, number>>

/** A fleet, or what does not fit on the accelerators that it is to run on. */
export type ResolvedFleet =
  | { readonly fleet: ModelledFleet }
  | { readonly misfits: readonly { readonly upstream: string; readonly problem: string }[] }

/** Makes a checked form into the fleet that is rehearsed. */
export function resolveFleet(form: FleetForm, source: string, counts: ReplicaCounts): ResolvedFleet {
  const configuration = resolveConfiguration(
    { ...form, upstreams: counted(form, counts), plans: [] },
    { source, modifiedAt: 0 },
  )
  const found = configuration.upstreams.map(settings => upstreamOf(settings, configuration))
  const misfits = found.filter(upstream => 'problem' in upstream)
  if (misfits.length > 0) return { misfits }
  const { models, scheduling: terms } = configuration
  const deployments = models.flatMap(model => model.deployments)
  const tariff = tariffsOf(configuration, deployments, readPriceBook([], BOOK))
  return {
    fleet: { upstreams: found.flatMap(upstream => ('problem' in upstream ? [] : [upstream])), models, terms, tariff },
  }
}

/** The upstreams with other counts: of URLs the first is as good as any, since none is asked. */
function counted({ upstreams }: FleetForm, counts: ReplicaCounts): FleetForm['upstreams'] {
  return Object.fromEntries(
    Object.entries(upstreams).map(([name, form]) => {
      const count = counts[name]
      if (count === undefined) return [name, form]
      const { baseUrl, ...rest } = form
      const urls = baseUrl === undefined ? form.replicas : [baseUrl]
      const replicas = typeof urls === 'object' ? Array.from({ length: count }, (_, i) => urls[i] ?? urls[0]!) : count
      return [name, { ...rest, replicas }]
    }),
  )
}

/** Engines serve one model each; where clients know it by several names, the first one tells which. */
function upstreamOf(
  settings: UpstreamSettings,
  { models, pools }: Configuration,
): ModelledUpstream | { readonly upstream: string; readonly problem: string } {
  const { name, simulated, baseUrls, accelerator } = settings
  const deployed = models.flatMap(({ deployments }) => deployments).find(({ upstream }) => upstream === name)
  const model = simulated?.model ?? deployed?.model
  if (model === undefined) return { upstream: name, problem: 'runs an engine without a model: no deployment is on it' }
  const replica = replicaOf(settings, model)
  if (typeof replica === 'string') return { upstream: name, problem: `does not do: ${replica}` }
  return {
    name,
    replicas: simulated?.replicas ?? baseUrls.length,
    engine: replica.options,
    contextTokens: replica.contextTokens,
    dollarsPerHour: rentPerHour(accelerator!),
    pool: boundedPool(pools.find(({ upstream }) => upstream === name)!),
  }
}

/** A cache without bound, in numbers that can be reckoned with: more tokens than any recording has. */
function boundedPool(pool: Pool): Pool {
  return pool.kvTokens === null || Number.isFinite(pool.kvTokens) ? pool : { ...pool, kvTokens: 2 ** 40 }
}
