import type { Tariff } from '../policy/pricing/tariff.ts'
import type { EngineOptions } from '../simulation/engine.ts'
import type { NanoDollars } from '../units/money.ts'
import type { DurationMs } from '../units/time.ts'
import type { Tokens } from '../units/tokens.ts'
import type { Deployment, Model } from '../vocabulary/deployment.ts'
import type { Pool, SchedulingTerms } from '../vocabulary/scheduling.ts'

/** A fleet that is to be rehearsed: everything that a gateway in front of it would know, and what its engines are. */
export interface ModelledFleet {
  readonly upstreams: readonly ModelledUpstream[]
  /** Every deployment of theirs is one of these upstreams'. */
  readonly models: readonly Model[]
  readonly terms: SchedulingTerms
  /** Prices by which routes are chosen; null when nobody knows them. */
  tariff(deployment: Deployment): Tariff | null
}

/** Replicas of one kind. */
export interface ModelledUpstream {
  readonly name: string
  /** At least 1. */
  readonly replicas: number
  /** Of one replica; `blockTokens` is chosen by what is played, and `kvBlocks` counts blocks of 16 tokens. */
  readonly engine: EngineOptions
  /** Longest sequence; Infinity for no bound. */
  readonly contextTokens: Tokens
  /** Of one replica, all its accelerators together. */
  readonly dollarsPerHour: NanoDollars
  /** As the scheduler knows it. */
  readonly pool: Pool
}

/** What callers are to be given. */
export interface Targets {
  readonly timeToFirstTokenMs: DurationMs
  readonly timePerOutputTokenMs: DurationMs
}
