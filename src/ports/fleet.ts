import type { DurationMs, MonotonicMs } from '../units/time.ts'
import type { Tokens } from '../units/tokens.ts'
import type { EngineKind } from '../vocabulary/deployment.ts'
import type { ReplicaAddress } from './engine.ts'

/** What an engine says of itself; null for what it does not say. */
export interface EngineLoad {
  readonly running: number | null
  readonly waiting: number | null
  /** Share of the KV cache in use, 0 to 1. */
  readonly kvUse: number | null
  /** Tokens that the KV cache holds. */
  readonly kvTokens: Tokens | null
  /** Calls that it runs at once at most, where it says so. */
  readonly maxRunning: number | null
}

/** Reads what engines say of themselves, and finds who they are. */
export interface EngineWatcher {
  /**
   * Begins to read the metrics of every replica of an upstream at least once a second, and to look its names up.
   *
   * @returns ends it
   */
  watch(upstream: string, listener: EngineListener): () => void
}

/**
 * A change of an engine's prefix cache, as the engine tells it. `cleared`: it holds nothing now. `unknown`: changes were
 * missed, so that what it holds in all is not known until it is cleared; both have 0 blocks and tokens.
 */
export interface CacheChange {
  readonly kind: 'stored' | 'removed' | 'cleared' | 'unknown'
  readonly blocks: number
  readonly tokens: Tokens
}

/** Hears of the replicas of one upstream. Replicas are told apart by their place, which a replica that has gone leaves free. */
export interface EngineListener {
  /** @param url for people, without credentials; @param address null where the base URL in that place is asked itself */
  appeared(replica: number, url: string, address: ReplicaAddress | null): void
  gone(replica: number): void
  /** What it said; `askedAt` when it was asked, on the monotonic clock. */
  heard(replica: number, load: EngineLoad, askedAt: MonotonicMs): void
  /** Nobody listens at its address, or somebody does again. */
  reached?(replica: number, isReachable: boolean): void
  /** Of engines that tell it, in the order in which it happened. */
  cached?(replica: number, change: CacheChange): void
}

/**
 * `ready`: gets calls. `draining`: finishes what it has. `unreachable`: nobody listens there. `open`, `recovering`, `probing`,
 * `quiet`: as its breaker says. `gone`: its name does not resolve to it any more.
 */
export type ReplicaState = 'ready' | 'draining' | 'unreachable' | 'open' | 'recovering' | 'probing' | 'quiet' | 'gone'

export interface ReplicaReport {
  readonly replica: number
  readonly url: string
  readonly state: ReplicaState
  /** As the engine says. */
  readonly running: number | null
  readonly waiting: number | null
  readonly kvUse: number | null
  /** Null before the first. */
  readonly metricsAgeMs: DurationMs | null
  /** Calls of this gateway that are under way there, and how many may be at once as far as is known. */
  readonly inFlight: number
  readonly places: number | null
  /** Of the input tokens of its last calls, the share that was expected in its cache; null before the first. */
  readonly expectedCachedShare: number | null
}

export interface UpstreamReport {
  readonly name: string
  readonly engine: EngineKind
  readonly replicas: readonly ReplicaReport[]
}

export interface TierReport {
  readonly name: string
  readonly weight: number
  readonly timeToFirstTokenMs: DurationMs | null
  /** Calls that wait. */
  readonly waiting: number
  /** How long the one that came first has waited; null for none. */
  readonly oldestMs: DurationMs | null
}

/** The fleet as people and metrics see it. */
export interface Fleet {
  report(): { readonly upstreams: readonly UpstreamReport[]; readonly tiers: readonly TierReport[] }
  /** @returns false where there is no such replica */
  drain(upstream: string, replica: number): boolean
  resume(upstream: string, replica: number): boolean
}
