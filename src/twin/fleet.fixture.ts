import { describeReplica } from '../simulation/replica.ts'
import type { Trace, TraceRequest } from '../traces/trace.ts'
import type { Deployment, Model } from '../vocabulary/deployment.ts'
import { DEFAULT_RESILIENCE } from '../vocabulary/resilience.ts'
import { DEFAULT_QUEUE, type QueueBounds } from '../vocabulary/scheduling.ts'
import { DEFAULT_TIERS } from '../vocabulary/tier.ts'
import type { ModelledFleet } from './fleet.ts'
import { type Casting, castTraffic } from './traffic.ts'
import { type Policy, Twin } from './twin.ts'

export const TARGETS = { timeToFirstTokenMs: 2_000, timePerOutputTokenMs: 50 }

export interface FleetOptions {
  readonly replicas?: number
  readonly accelerators?: number
  readonly kvBlocks?: number
  readonly maxRunning?: number
  readonly queue?: Partial<QueueBounds>
}

/** Replicas of Llama-3.1-8B on H100s, which serve the model `m`. */
export function fleetOf({
  replicas = 1,
  accelerators = 1,
  kvBlocks,
  maxRunning,
  queue,
}: FleetOptions = {}): ModelledFleet {
  const { options, contextTokens } = describeReplica({
    model: 'Llama-3.1-8B',
    accelerator: { kind: 'H100-SXM', count: accelerators },
    ...(kvBlocks === undefined ? {} : { kvBlocks }),
  })
  const dialects = ['openai'] as const
  const deployment: Deployment = {
    name: 'sim/x',
    upstream: 'sim',
    model: 'x',
    dialects,
    engine: 'simulated',
    replicas,
    grams: null,
  }
  const model: Model = {
    name: 'm',
    deployments: [deployment],
    route: 'inOrder',
    maxOutputTokens: null,
    resilience: DEFAULT_RESILIENCE,
    createdAt: 0,
  }
  const kvTokens = Number.isFinite(options.kvBlocks) ? options.kvBlocks * options.blockTokens : 2 ** 40
  const pool = {
    upstream: 'sim',
    engine: 'simulated',
    slots: replicas,
    costs: null,
    dollarsPerHour: null,
    watts: null,
  } as const
  return {
    upstreams: [
      {
        name: 'sim',
        replicas,
        engine: options,
        contextTokens,
        dollarsPerHour: 2_000_000_000n,
        pool: { ...pool, maxRunning: maxRunning ?? null, kvTokens },
      },
    ],
    models: [model],
    terms: { tiers: DEFAULT_TIERS, shares: {}, queue: { ...DEFAULT_QUEUE, ...queue } },
    tariff: () => null,
  }
}

/** A request of a recording with blocks of 512 tokens; what is not said is of no weight. */
export function requestOf(of: Partial<TraceRequest>): TraceRequest {
  return {
    atMs: 0,
    model: null,
    inputTokens: 1_000,
    outputTokens: 100,
    blocks: null,
    tenant: null,
    session: null,
    follows: null,
    ...of,
  }
}

export function traceOf(requests: readonly Partial<TraceRequest>[]): Trace {
  return { format: 'mooncake', requests: requests.map(requestOf), blockTokens: 512, blockIds: 1e6, notes: [] }
}

/** Everybody is one tenant and asks `m` in the usual tier. */
export function castingOf(trace: Trace, over: Partial<Casting> = {}): Casting {
  return { trace, speed: 1, model: () => 'm', tenant: () => 'all', tier: () => 'standard', ...over }
}

export interface PlayOptions extends FleetOptions {
  readonly policy?: Policy
  readonly seed?: number
  readonly casting?: Partial<Casting>
}

/** Rehearses a recording to its end. */
export function play(trace: Trace, over: PlayOptions = {}): Twin {
  const { policy = 'penstock', seed = 1, casting, ...fleet } = over
  const traffic = castTraffic([castingOf(trace, casting)])
  const twin = new Twin({ fleet: fleetOf(fleet), traffic, targets: TARGETS, policy, seed })
  twin.run()
  return twin
}
