import { resolve as absolutePath } from 'node:path'
import type { EpochMs } from '../../units/time.ts'
import type { Model } from '../../vocabulary/deployment.ts'
import { DEFAULT_RESILIENCE } from '../../vocabulary/resilience.ts'
import {
  type Configuration,
  DEFAULT_DATA_DIRECTORY,
  DEFAULT_DRAIN_MS,
  DEFAULT_LISTEN,
  DEFAULT_WORKERS,
  type ListenAddress,
  type SimulatedSettings,
  type UpstreamSettings,
} from '../configuration/configuration.ts'
import { DIALECTS_OF_ENGINES, deploymentOf } from '../configuration/deployments.ts'
import { environmentFault, type Fault } from '../configuration/fault.ts'
import { poolsOf } from '../configuration/pools.ts'
import { DEFAULT_SCHEDULING } from '../configuration/scheduling.ts'
import { adminTokenOf, SECRET_RULE } from '../configuration/secret.ts'
import type { Environment } from '../configuration/variables.ts'
import { type Discovery, type FoundEngine, type FoundKind, findEngines } from './engines.ts'
import { type Offer, readProviders } from './providers.ts'

/** A model of the simulated engine that is served when nothing is configured. */
export interface EmbeddedModel {
  /** The name that clients ask for. */
  readonly name: string
  readonly simulated: SimulatedSettings
}

export interface EmbeddedOptions {
  readonly env: Environment
  /** The first is the one of the `curl` line. */
  readonly models: readonly EmbeddedModel[]
  readonly now: EpochMs
  /** Where the gateway will listen, when the command line says so. */
  readonly listen?: ListenAddress
  readonly dataDirectory?: string
  /** Looks for engines on loopback; given by tests. */
  readonly probe?: () => Promise<Discovery>
}

/** What is served with nothing configured, and what to tell about it; or what is wrong with the environment. */
export type Embedded =
  | {
      readonly configuration: Configuration
      /** One line that says what was found. */
      readonly summary: string
      /** Sentences about what was seen and is not served. */
      readonly notes: readonly string[]
      readonly faults?: undefined
    }
  | { readonly faults: readonly Fault[]; readonly configuration?: undefined }

function simulatedOffers(
  models: readonly EmbeddedModel[],
): { readonly upstream: UpstreamSettings; readonly model: EmbeddedModel }[] {
  return models.map(model => {
    const name = models.length === 1 ? 'simulated' : `simulated-${model.name.replace(/[^A-Za-z0-9._-]+/g, '-')}`
    const upstream: UpstreamSettings = {
      name,
      dialects: DIALECTS_OF_ENGINES.simulated,
      engine: 'simulated',
      baseUrls: [],
      apiKey: null,
      headers: {},
      accelerator: model.simulated.accelerator,
      region: null,
      simulated: model.simulated,
      maxRunning: null,
      kvEvents: null,
      source: 'embedded',
    }
    return { upstream, model }
  })
}

function discoveredOffers(engines: readonly FoundEngine[]): Offer[] {
  const kinds = engines.map(engine => engine.kind)
  return engines.map(({ kind, port, dialects, baseUrl, models }) => {
    const label = kind === 'openai' ? 'local' : kind
    const alone = kinds.filter(other => other === kind).length === 1
    const upstream: UpstreamSettings = {
      name: alone ? label : `${label}-${port}`,
      dialects,
      engine: kind === 'ollama' || kind === 'openai' ? null : kind,
      baseUrls: [baseUrl],
      apiKey: null,
      headers: {},
      accelerator: null,
      region: null,
      simulated: null,
      maxRunning: null,
      kvEvents: null,
      source: 'discovered',
    }
    return { upstream, models }
  })
}

/** A file of weights is asked for by its own name, without the folders it lies in. */
function askedName(model: string): string {
  return /[/\\]/.test(model) && /\.gguf$/i.test(model)
    ? model.replace(/^.*[/\\]/, '').replace(/\.gguf$/i, '') || model
    : model
}

/** Names each model once: one whose name is taken goes by its upstream's name as well. */
class Names {
  readonly models: Model[] = []
  private readonly taken = new Set<string>()
  private readonly createdAt: EpochMs

  constructor(createdAt: EpochMs) {
    this.createdAt = createdAt
  }

  add(wanted: string, upstream: UpstreamSettings, model: string): void {
    const name = this.taken.has(wanted) ? `${upstream.name}/${wanted}` : wanted
    if (this.taken.has(name)) return
    this.taken.add(name)
    const deployments = [deploymentOf(upstream, model)]
    this.models.push({
      name,
      deployments,
      route: 'inOrder',
      maxOutputTokens: null,
      resilience: DEFAULT_RESILIENCE,
      createdAt: this.createdAt,
    })
  }
}

const KIND_NAMES: Readonly<Record<FoundKind, string>> = {
  vllm: 'vLLM',
  sglang: 'SGLang',
  trtllm: 'TensorRT-LLM',
  llamacpp: 'llama.cpp',
  ollama: 'Ollama',
  openai: 'a server of the OpenAI dialect',
}
const LISTED_MODELS = 3

function counted(models: readonly string[]): string {
  return models.length > LISTED_MODELS ? `${models.length} models` : models.join(', ')
}

function summarise(parts: {
  models: readonly EmbeddedModel[]
  providers: readonly Offer[]
  engines: readonly FoundEngine[]
}): string {
  const found = [
    parts.models.length > 0 ? `the simulated engine (${counted(parts.models.map(model => model.name))})` : '',
    ...parts.providers.map(
      ({ upstream, models }) => `${upstream.name} by its key in the environment (${counted(models)})`,
    ),
    ...parts.engines.map(({ kind, port, models }) => `${KIND_NAMES[kind]} on port ${port} (${counted(models)})`),
  ].filter(Boolean)
  const others = parts.engines.length === 0 ? '; no engine answers on the usual ports of this machine' : ''
  return `nothing is configured: serving ${found.join(', ') || 'nothing'}${others}`
}

/**
 * What is served with nothing configured: models of the simulated engine, of providers whose key is in the environment,
 * and of engines that answer on loopback.
 */
export async function embeddedConfiguration(options: EmbeddedOptions): Promise<Embedded> {
  const { env, listen = DEFAULT_LISTEN, probe = findEngines } = options
  const token = adminTokenOf(env)
  const providers = readProviders({ env, listen })
  const ofToken =
    token === false
      ? [environmentFault('PENSTOCK_ADMIN_TOKEN', { problem: 'can be no admin token', expected: SECRET_RULE })]
      : []
  const faults = [...ofToken, ...providers.faults]
  if (token === false || faults.length > 0) return { faults }
  const discovery = await probe()
  const engines = discovery.engines.filter(engine => engine.port !== listen.port)
  const simulated = simulatedOffers(options.models)
  const offers = [...providers.offers, ...discoveredOffers(engines)]
  const names = new Names(options.now)
  for (const { upstream, model } of simulated) names.add(model.name, upstream, model.simulated.model)
  for (const { upstream, models } of offers) for (const model of models) names.add(askedName(model), upstream, model)
  const upstreams = [...simulated, ...offers].map(({ upstream }) => upstream)
  const configuration: Configuration = {
    listen,
    dataDirectory: absolutePath(options.dataDirectory ?? DEFAULT_DATA_DIRECTORY),
    drainMs: DEFAULT_DRAIN_MS,
    adminToken: token,
    trustCallers: false,
    retainMs: null,
    upstreams,
    models: names.models,
    prices: [],
    keys: [],
    limits: [],
    plans: [],
    scheduling: DEFAULT_SCHEDULING,
    pools: poolsOf(upstreams, names.models),
    workers: DEFAULT_WORKERS,
    source: 'embedded',
  }
  const summary = summarise({ models: options.models, providers: providers.offers, engines })
  return { configuration, summary, notes: [...providers.notes, ...discovery.notes] }
}
