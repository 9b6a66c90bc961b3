import type { NanoDollars } from '../units/money.ts'
import type { EpochMs } from '../units/time.ts'
import type { Tokens } from '../units/tokens.ts'
import type { Caller } from './caller.ts'

/** A call as limits see it. */
export interface LimitedCall {
  readonly caller: Caller
  /** The name that the caller asked for, or the model that it was downgraded to. */
  readonly model: string
  /** Upstreams that may come to serve it. The same array for all calls of a model lets decisions find limits faster. */
  readonly upstreams: readonly string[]
  /** Of `x-penstock-run-budget`. */
  readonly runBudget: NanoDollars | null
  /** Of `x-penstock-max-dollars`. */
  readonly maxDollars: NanoDollars | null
  /** Until when it may wait for room, if it says; else as long as the limit lets it. */
  readonly deadlineAt?: EpochMs | null
  /** Ids of limits that sent the call to another model: they neither bind nor count it. */
  readonly skip: readonly string[]
}

/** What a call may use, or did. */
export interface Amounts {
  /** Null when no price is known. */
  readonly dollars: NanoDollars | null
  readonly inputTokens: Tokens
  readonly outputTokens: Tokens
  /**
   * Parts of `inputTokens`, for limits that they burn at rates of their own. Where none is given, what was used was plain
   * input, and what may be used counts at the dearest rate.
   */
  readonly cachedInputTokens?: Tokens
  readonly cacheWrite5mTokens?: Tokens
  readonly cacheWrite1hTokens?: Tokens
  /** What else changes a rate, such as `inferenceGeo: us`; what may be used counts at the dearest that is not named. */
  readonly circumstances?: Readonly<Record<string, string>>
}

/** What a call did use. */
export interface ActualAmounts extends Amounts {
  /** The parts of each upstream that was asked; when absent, all of it is every upstream's. */
  readonly byUpstream?: Readonly<Record<string, Amounts>>
}

/** What a call is held for. */
export interface Need {
  /** The most that it may use. */
  readonly worst: Amounts
  /**
   * What it will probably use, where that can be held first and extended while the call runs; null where the worst has to
   * be held, since nothing could be added later.
   */
  readonly expected: Amounts | null
  /** Whether `expected` was learnt from earlier calls like it, rather than assumed. */
  readonly isLearnt: boolean
}
