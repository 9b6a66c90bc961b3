import type { DurationMs } from '../units/time.ts'
import type { LimitRefusal } from './limit.ts'

/** Why Penstock itself answers a call, before or instead of an upstream. One table per dialect maps each to the wire. */
export type Refusal =
  | { readonly cause: 'invalidKey'; readonly message: string }
  | { readonly cause: 'modelNotAllowed'; readonly message: string }
  | { readonly cause: 'modelNotFound'; readonly message: string }
  | { readonly cause: 'notFound'; readonly message: string }
  | { readonly cause: 'methodNotAllowed'; readonly message: string }
  | { readonly cause: 'malformed'; readonly message: string }
  | { readonly cause: 'tooLarge'; readonly message: string }
  /** A limit has no room, or its dollars can't be told because nobody knows the price. */
  | { readonly cause: 'limitReached' | 'priceUnknown'; readonly message: string; readonly limit: LimitRefusal }
  | {
      readonly cause: 'noDeployment'
      readonly message: string
      /** When asking again may help; about a second where it is not said. */
      readonly retryAfterMs?: DurationMs
    }
  /** No place on an engine came free in time, or too many wait for one. */
  | { readonly cause: 'queueTimeout' | 'queueFull'; readonly message: string; readonly retryAfterMs: DurationMs }
  | { readonly cause: 'tierNotAllowed'; readonly message: string }
  | { readonly cause: 'upstreamFailed'; readonly message: string }
  | { readonly cause: 'upstreamTimeout'; readonly message: string }
  | { readonly cause: 'internal'; readonly message: string }

export type RefusalCause = Refusal['cause']
