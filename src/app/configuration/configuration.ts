import type { UpstreamInfo } from '../../ports/registry.ts'
import type { NanoDollars } from '../../units/money.ts'
import type { DurationMs } from '../../units/time.ts'
import type { Key } from '../../vocabulary/caller.ts'
import type { EngineKind, Model } from '../../vocabulary/deployment.ts'
import type { DialectName } from '../../vocabulary/dialect.ts'
import type { LimitTerms } from '../../vocabulary/limit.ts'
import type { Plan } from '../../vocabulary/plan.ts'
import type { LineUnit } from '../../vocabulary/price.ts'
import type { Pool, SchedulingTerms } from '../../vocabulary/scheduling.ts'

/** Where the gateway listens. */
export interface ListenAddress {
  /** A name or an address; IPv6 without its brackets. */
  readonly host: string
  /** 0 lets the system pick a free one. */
  readonly port: number
}

/** What an engine runs on. */
export interface Accelerator {
  readonly kind: string
  /** Accelerators of one replica. */
  readonly count: number
  /** Of one accelerator; null when nobody said. */
  readonly dollarsPerHour: NanoDollars | null
}

/** An engine that Penstock plays itself. */
export interface SimulatedSettings {
  /** A name of the model table. */
  readonly model: string
  readonly accelerator: Accelerator
  readonly replicas: number
  /** Virtual seconds per second of the real clock. */
  readonly speed: number
  /** Blocks of the KV cache, Infinity for one without bound; absent for as many as the memory holds. */
  readonly kvBlocks?: number
}

/** Where tokens come from. */
export interface UpstreamSettings {
  readonly name: string
  readonly dialects: readonly DialectName[]
  readonly engine: EngineKind | null
  /**
   * What stands before `/chat/completions` or `/messages`, without a slash at its end; one for each replica, none for
   * the simulated engine.
   */
  readonly baseUrls: readonly string[]
  /** In clear: it is sent with every call. Never to be shown or logged. */
  readonly apiKey: string | null
  /** Sent with every call; names in lower case. Values may be secrets. */
  readonly headers: Readonly<Record<string, string>>
  readonly accelerator: Accelerator | null
  /** Where its electricity comes from, by a name whose carbon intensity is known; null when nobody said. */
  readonly region: string | null
  readonly simulated: SimulatedSettings | null
  /** Calls at once on a replica; null where it is learnt, and of a hosted API. */
  readonly maxRunning: number | null
  /** Where each replica publishes what its KV cache holds; null where it does not. */
  readonly kvEvents: { readonly port: number } | null
  readonly source: UpstreamInfo['source']
}

/** A price that wins over the price book, in dollars per million tokens as plain decimals. */
export interface PriceOverride {
  readonly upstream: string
  readonly model: string
  readonly perMillion: Readonly<Partial<Record<LineUnit, string>>>
}

/** A key of the configuration. Its secret is hashed as soon as it is read. */
export type DeclaredKey = Key & { readonly declared: true }

/** Everything that was configured, checked and resolved: nothing in it refers to nothing. */
export interface Configuration {
  readonly listen: ListenAddress
  /** Absolute path. */
  readonly dataDirectory: string
  /** How long calls in flight may take to finish after a signal. */
  readonly drainMs: DurationMs
  /** Null when none is configured: then one is kept in the data directory. */
  readonly adminToken: string | null
  /** Callers on loopback need no key. */
  readonly trustCallers: boolean
  /** Age after which receipts are rolled up; null keeps them all. */
  readonly retainMs: DurationMs | null
  readonly upstreams: readonly UpstreamSettings[]
  readonly models: readonly Model[]
  readonly prices: readonly PriceOverride[]
  readonly keys: readonly DeclaredKey[]
  /** No two have the same scope, unit and window. Models and upstreams that they name are there. */
  readonly limits: readonly LimitTerms[]
  /** No two have the same name. Models that they name are there. */
  readonly plans: readonly Plan[]
  readonly scheduling: SchedulingTerms
  /** One for each upstream with an engine, in their order. */
  readonly pools: readonly Pool[]
  /** Threads of the data plane: 1 to 64. */
  readonly workers: number
  /** The file that was read; `embedded` when nothing was configured. */
  readonly source: string
}

export const DEFAULT_LISTEN: ListenAddress = { host: '127.0.0.1', port: 4000 }
export const DEFAULT_DATA_DIRECTORY = './penstock-data'
export const DEFAULT_WORKERS = 1
export const DEFAULT_DRAIN_MS: DurationMs = 30_000
