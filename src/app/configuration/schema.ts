import { z } from 'zod'
import type { EngineKind } from '../../vocabulary/deployment.ts'
import type { LineUnit } from '../../vocabulary/price.ts'
import { dialects, replicas, route, workers } from './clauses.ts'
import {
  baseUrl,
  count,
  decimal,
  directory,
  dollars,
  duration,
  flag,
  foreignSecret,
  headerValue,
  keyName,
  label,
  listenAddress,
  modelName,
  oneOf,
  ownSecret,
  perMillion,
  reference,
} from './leaves.ts'
import { limit } from './limits.ts'
import { plansOf } from './plans.ts'
import { resilience } from './resilience.ts'
import { kvBlocks, kvEvents, maxRunning, queue, shares, tiers } from './scheduling.ts'
import { mapping, named, optional, required } from './shapes.ts'

const DAY = 86_400_000
const MAX_DRAIN = { ms: DAY, range: 'from 0s to 1d' }
const RETAIN = { least: 1_000, most: 36_500 * DAY, range: 'from 1s to 36500d' }
const MAX_ACCELERATORS = 1_024
const MAX_SPEED = 10_000
const MAX_OUTPUT_TOKENS = 1_000_000_000

/** The units of prices that configuration may name. */
export const PRICE_UNITS = [
  'input',
  'cachedInput',
  'cacheWrite5m',
  'cacheWrite1h',
  'output',
] as const satisfies readonly LineUnit[]

export const ENGINES = ['vllm', 'sglang', 'trtllm', 'llamacpp', 'simulated'] as const satisfies readonly EngineKind[]

const accelerator = optional(
  mapping({ kind: label, count: count(1, MAX_ACCELERATORS).optional(), dollarsPerHour: dollars.optional() }),
)

// What an upstream needs and may have depends on its engine; `upstreams.ts` knows. Here stands what each entry looks like.
export const upstream = required(
  mapping({
    dialect: dialects.optional(),
    engine: oneOf(ENGINES).optional(),
    baseUrl: baseUrl.optional(),
    replicas: replicas.optional(),
    apiKey: foreignSecret.optional(),
    headers: optional(named(headerValue)),
    accelerator,
    model: modelName.optional(),
    speed: decimal(0, MAX_SPEED).optional(),
    // Any name: of one that nobody knows the carbon intensity of, `regionWarnings.ts` warns.
    region: label.optional(),
    maxRunning: maxRunning.optional(),
    kvEvents,
    kvBlocks: kvBlocks.optional(),
  }),
)

const deployment = required(mapping({ upstream: reference, model: modelName }))

export const model = required(
  mapping({
    deployments: required(z.array(deployment).min(1, 'names no deployment')),
    route: route.optional(),
    maxOutputTokens: count(1, MAX_OUTPUT_TOKENS).optional(),
    resilience,
  }),
)

export const price = required(
  mapping({
    upstream: reference,
    model: modelName,
    input: perMillion.optional(),
    cachedInput: perMillion.optional(),
    cacheWrite5m: perMillion.optional(),
    cacheWrite1h: perMillion.optional(),
    output: perMillion.optional(),
  }),
)

const key = required(
  mapping({
    name: keyName,
    secret: ownSecret,
    team: label.optional(),
    user: label.optional(),
    tags: optional(named(label)),
    models: optional(z.array(reference).min(1, 'names no model; a key without models may use all')),
    tiers: optional(z.array(reference).min(1, 'names no tier; a key without tiers may use all')),
  }),
)

const configuration = mapping({
  listen: listenAddress.optional(),
  data: directory.optional(),
  drain: duration(0, MAX_DRAIN.ms, MAX_DRAIN.range).optional(),
  retain: duration(RETAIN.least, RETAIN.most, RETAIN.range).optional(),
  adminToken: ownSecret.optional(),
  trustCallers: flag.optional(),
  upstreams: optional(named(upstream)),
  models: optional(named(model)),
  prices: optional(z.array(price)),
  keys: optional(z.array(key)),
  limits: optional(z.array(limit)),
  plans: optional(named(z.unknown())).transform(plansOf),
  tiers,
  shares,
  queue,
  workers: workers.optional(),
})

/** The form of a configuration. What refers to what is checked beside it, so that all faults are found at once. */
export const configurationSchema = required(configuration)

export type ConfigurationForm = z.output<typeof configuration>
