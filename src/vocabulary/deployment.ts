import type { DurationMs } from '../units/time.ts'
import type { DialectName } from './dialect.ts'

/** Kinds of runtimes whose ways Penstock knows; null for a hosted API. */
export type EngineKind = 'vllm' | 'sglang' | 'trtllm' | 'llamacpp' | 'simulated'

/** One model at one upstream: the smallest thing that a call can be sent to. */
export interface Deployment {
  /** `upstream/model`, as receipts and headers show it. */
  readonly name: string
  readonly upstream: string
  /** The model's name at the upstream. */
  readonly model: string
  /** Dialects that the upstream speaks; a call is sent only in its own. */
  readonly dialects: readonly DialectName[]
  readonly engine: EngineKind | null
}

/** How long an attempt for a model may take; null where nobody said. */
export interface TimeLimits {
  /** Of streams: from sending the request to the first token of content. */
  readonly firstTokenMs: DurationMs | null
  /** Of streams: between two of its bytes. */
  readonly idleMs: DurationMs | null
  /** Of the whole. */
  readonly totalMs: DurationMs | null
}

export const NO_TIME_LIMITS: TimeLimits = { firstTokenMs: null, idleMs: null, totalMs: null }

/** A name that callers ask for, and what may serve it. */
export interface Model {
  readonly name: string
  readonly deployments: readonly Deployment[]
  readonly route: 'inOrder'
  /** Output tokens that an answer may have at most when the caller names no maximum; null when nobody knows. */
  readonly maxOutputTokens: number | null
  readonly timeLimits: TimeLimits
  /** When the model entered the configuration, for listings. */
  readonly createdAt: number
}
