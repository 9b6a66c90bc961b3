import type { Expectations } from '../policy/estimate/expectation.ts'
import type { HealthBoard } from '../policy/health/board.ts'
import type { Tariff } from '../policy/pricing/tariff.ts'
import type { Warmth } from '../policy/routing/warmth.ts'
import type { Clock } from '../ports/clock.ts'
import type { EngineClient } from '../ports/engine.ts'
import type { LedgerStore } from '../ports/ledger.ts'
import type { Limits } from '../ports/limits.ts'
import type { Observer } from '../ports/observer.ts'
import type { Places } from '../ports/places.ts'
import type { Random } from '../ports/random.ts'
import type { Deployment, Model } from '../vocabulary/deployment.ts'

/** What a life needs from outside: real in production, virtual in tests and rehearsals. */
export interface World {
  readonly clock: Clock
  readonly random: Random
  readonly ledger: Pick<LedgerStore, 'append' | 'writable'>
  readonly limits: Pick<Limits, 'admit'>
  readonly expectations: Expectations
  /** Which deployments are well. */
  readonly health: HealthBoard
  /** Whose prompt caches are warm for whom. */
  readonly warmth: Warmth
  /** Who gives places on owned engines; null where nobody schedules them. */
  readonly places: Places | null
  readonly observer: Observer
  engine(deployment: Deployment): EngineClient
  /** A model by the name that callers ask for. */
  model(name: string): Model | undefined
  /** Prices of a deployment; null when nobody knows them. */
  tariff(deployment: Deployment): Tariff | null
  readonly bounds: LifecycleBounds
}

export interface LifecycleBounds {
  /** Bytes of one plain answer; a larger one ends as malformed. */
  readonly answerBytes: number
  /** Bytes of a stream, besides the caller's own, that are kept while it has shown no content; one that sends more is malformed. */
  readonly withheldBytes: number
  /** Output tokens held for a call whose caller and model name no maximum. */
  readonly outputTokens: number
  /** How long an upstream may keep its connection open after the terminal event of a stream. */
  readonly lingerMs: number
}

export const DEFAULT_BOUNDS: LifecycleBounds = {
  answerBytes: 256_000_000,
  withheldBytes: 1_000_000,
  outputTokens: 32_000,
  lingerMs: 2_000,
}
