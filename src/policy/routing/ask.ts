import type { EpochMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { Deployment } from '../../vocabulary/deployment.ts'
import type { Route, RouteRecord } from '../../vocabulary/route.ts'
import type { Tariff } from '../pricing/tariff.ts'

/** A deployment of the model, and what is known of it at this moment. */
export interface RouteOption {
  readonly deployment: Deployment
  /** Why it can't be asked at all, in a few words; null when it can. */
  readonly passedOver: string | null
  /** It should not be asked while somebody else can: it recovers, or is about to be left alone. */
  readonly isReluctant: boolean
  /** Null when nobody knows the prices. */
  readonly tariff: Tariff | null
  /** Input tokens of this call that are probably still in the prompt cache there; see `Warmth`. */
  readonly cachedTokens: Tokens
  /** As it was learnt; null when nothing was, or long ago. */
  readonly timeToFirstTokenMs: number | null
  /** Attempts that are under way there. */
  readonly outstanding: number
}

export interface RouteAsk {
  readonly by: Route
  /** Every deployment of the model, in its configured order. */
  readonly options: readonly RouteOption[]
  /** What the call has, as estimated, and what its answer will probably have. */
  readonly tokens: { readonly input: Tokens; readonly output: Tokens }
  readonly now: EpochMs
  /** From 0 to below 1, drawn by the caller: decides where nothing else does. */
  readonly draw: number
}

export interface Routing {
  /** Those that can be asked, the preferred first. */
  readonly order: readonly Deployment[]
  readonly record: RouteRecord
}
