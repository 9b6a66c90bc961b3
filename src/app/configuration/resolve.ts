import { resolve as absolutePath } from 'node:path'
import type { EpochMs } from '../../units/time.ts'
import type { Model } from '../../vocabulary/deployment.ts'
import type { LineUnit } from '../../vocabulary/price.ts'
import {
  type Accelerator,
  type Configuration,
  DEFAULT_DATA_DIRECTORY,
  DEFAULT_DRAIN_MS,
  DEFAULT_LISTEN,
  DEFAULT_WORKERS,
  type DeclaredKey,
  type PriceOverride,
  type UpstreamSettings,
} from './configuration.ts'
import { DIALECTS_OF_ENGINES, deploymentOf } from './deployments.ts'
import { poolsOf } from './pools.ts'
import { resilienceOf } from './resilience.ts'
import { schedulingOf } from './scheduling.ts'
import { type ConfigurationForm, PRICE_UNITS } from './schema.ts'
import { hashSecret } from './secret.ts'

type UpstreamForm = NonNullable<ConfigurationForm['upstreams']>[string]
type ModelForm = NonNullable<ConfigurationForm['models']>[string]
type KeyForm = NonNullable<ConfigurationForm['keys']>[number]
type PriceForm = NonNullable<ConfigurationForm['prices']>[number]

function acceleratorOf(form: UpstreamForm): Accelerator | null {
  if (!form.accelerator) return null
  const { kind, count = 1, dollarsPerHour = null } = form.accelerator
  return { kind, count, dollarsPerHour }
}

function upstreamOf(name: string, form: UpstreamForm): UpstreamSettings {
  const { engine = null, replicas } = form
  const accelerator = acceleratorOf(form)
  const simulated =
    engine === 'simulated' && form.model !== undefined && accelerator
      ? {
          model: form.model,
          accelerator,
          replicas: typeof replicas === 'number' ? replicas : 1,
          speed: form.speed ?? 1,
          ...(form.kvBlocks == null ? {} : { kvBlocks: form.kvBlocks }),
        }
      : null
  return {
    name,
    dialects: form.dialect ?? (engine ? DIALECTS_OF_ENGINES[engine] : []),
    engine,
    baseUrls: form.baseUrl !== undefined ? [form.baseUrl] : typeof replicas === 'object' ? replicas : [],
    apiKey: form.apiKey ?? null,
    headers: Object.fromEntries(
      Object.entries(form.headers ?? {}).map(([header, value]) => [header.toLowerCase(), value]),
    ),
    accelerator,
    region: form.region ?? null,
    simulated,
    maxRunning: form.maxRunning ?? null,
    kvEvents: form.kvEvents ?? null,
    source: 'configuration',
  }
}

function modelOf(
  name: string,
  form: ModelForm,
  from: {
    upstreams: ReadonlyMap<string, UpstreamSettings>
    prices: readonly PriceOverride[]
    createdAt: EpochMs
  },
): Model {
  const deployments = form.deployments.flatMap(({ upstream, model }) => {
    const settings = from.upstreams.get(upstream)
    const price = from.prices.find(of => of.upstream === upstream && of.model === model)
    return settings ? [deploymentOf(settings, model, price)] : []
  })
  return {
    name,
    deployments,
    route: form.route ?? 'inOrder',
    maxOutputTokens: form.maxOutputTokens ?? null,
    resilience: resilienceOf(form.resilience, deployments),
    createdAt: from.createdAt,
  }
}

function priceOf(form: PriceForm): PriceOverride {
  const perMillion: Partial<Record<LineUnit, string>> = {}
  for (const unit of PRICE_UNITS) {
    const price = form[unit]
    if (price !== undefined) perMillion[unit] = price
  }
  return { upstream: form.upstream, model: form.model, perMillion }
}

function keyOf(form: KeyForm, createdAt: EpochMs): DeclaredKey {
  const { name, secret, team = null, user = null, tags = {}, models = null, tiers = null } = form
  return { name, team, user, tags, models, tiers, secretHash: hashSecret(secret), createdAt, declared: true }
}

/** Makes a checked form into what the gateway runs on. */
export function resolveConfiguration(
  form: ConfigurationForm,
  from: { readonly source: string; readonly modifiedAt: EpochMs },
): Configuration {
  const upstreams = Object.entries(form.upstreams ?? {}).map(([name, settings]) => upstreamOf(name, settings))
  const byName = new Map(upstreams.map(upstream => [upstream.name, upstream]))
  const prices = (form.prices ?? []).map(priceOf)
  const within = { upstreams: byName, prices, createdAt: from.modifiedAt }
  const models = Object.entries(form.models ?? {}).map(([name, settings]) => modelOf(name, settings, within))
  return {
    listen: form.listen ?? DEFAULT_LISTEN,
    dataDirectory: absolutePath(form.data ?? DEFAULT_DATA_DIRECTORY),
    drainMs: form.drain ?? DEFAULT_DRAIN_MS,
    adminToken: form.adminToken ?? null,
    trustCallers: form.trustCallers ?? false,
    retainMs: form.retain ?? null,
    upstreams,
    models,
    prices,
    keys: (form.keys ?? []).map(key => keyOf(key, from.modifiedAt)),
    limits: form.limits ?? [],
    plans: form.plans ?? [],
    scheduling: schedulingOf(form),
    pools: poolsOf(upstreams, models),
    workers: form.workers ?? DEFAULT_WORKERS,
    source: from.source,
  }
}
