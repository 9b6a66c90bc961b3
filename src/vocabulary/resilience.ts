import type { DurationMs } from '../units/time.ts'

/** How long an attempt for a model may take; null where nobody said. */
export interface TimeLimits {
  /** Of streams: from sending the request to the first token of content. */
  readonly firstTokenMs: DurationMs | null
  /** Of streams: between two of its bytes. */
  readonly idleMs: DurationMs | null
  /** Of the whole call, pauses and all attempts together, but for its wait for a place on an engine. */
  readonly totalMs: DurationMs | null
}

export const NO_TIME_LIMITS: TimeLimits = { firstTokenMs: null, idleMs: null, totalMs: null }

/** When a deployment that fails is left alone: after so many failures within a while, for so long. */
export interface BreakerTerms {
  readonly failures: number
  readonly withinMs: DurationMs
  readonly openMs: DurationMs
}

/** What is done for a model's calls when its deployments fail. */
export interface Resilience {
  /** Attempts of a call in all, over all deployments; at least 1. */
  readonly attempts: number
  /** To open a connection. */
  readonly connectMs: DurationMs
  readonly timeLimits: TimeLimits
  /** After so long without content an attempt gets a rival; null for never. */
  readonly hedgeAfterMs: DurationMs | null
  /** What becomes of a stream that breaks after something was shown. */
  readonly onCut: 'fail' | 'continue'
  /** How long the upstream may go on when the caller left; null stops it at once. */
  readonly drainMs: DurationMs | null
  readonly breaker: BreakerTerms
}

/**
 * Where nobody said otherwise. A lone deployment has no bounds on its first token and its silence: there is nobody else
 * to ask, and models that think without showing it are silent for minutes.
 */
export const DEFAULT_RESILIENCE: Resilience = {
  attempts: 3,
  connectMs: 2_000,
  timeLimits: { firstTokenMs: null, idleMs: null, totalMs: 600_000 },
  hedgeAfterMs: null,
  onCut: 'fail',
  drainMs: null,
  breaker: { failures: 5, withinMs: 30_000, openMs: 15_000 },
}

/** Of a model with several deployments, where nobody said otherwise. */
export const DEFAULT_FIRST_TOKEN_MS: DurationMs = 20_000
export const DEFAULT_IDLE_MS: DurationMs = 15_000
