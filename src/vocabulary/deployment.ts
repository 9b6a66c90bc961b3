import type { DialectName } from './dialect.ts'
import type { Resilience } from './resilience.ts'
import type { Route } from './route.ts'

/** Kinds of runtimes whose ways Penstock knows; null for a hosted API. */
export type EngineKind = 'vllm' | 'sglang' | 'trtllm' | 'llamacpp' | 'simulated'

/** Grams of CO2 equivalents that tokens probably cause: modelled energy times the intensity of a grid. */
export interface TokenGrams {
  readonly perInputToken: number
  readonly perOutputToken: number
}

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
  /** How many replicas of the upstream serve it, at least 1; they are told apart by their place in its list. */
  readonly replicas: number
  /** Null where the region or the energy is not known. */
  readonly grams: TokenGrams | null
}

/** A name that callers ask for, and what may serve it. */
export interface Model {
  readonly name: string
  readonly deployments: readonly Deployment[]
  readonly route: Route
  /** Output tokens that an answer may have at most when the caller names no maximum; null when nobody knows. */
  readonly maxOutputTokens: number | null
  readonly resilience: Resilience
  /** When the model entered the configuration, for listings. */
  readonly createdAt: number
}
