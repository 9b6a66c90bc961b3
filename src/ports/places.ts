import type { NanoDollars } from '../units/money.ts'
import type { DurationMs, EpochMs } from '../units/time.ts'
import type { Tokens } from '../units/tokens.ts'
import type { PromptBlocks, SpillRecord } from '../vocabulary/scheduling.ts'
import type { Usage } from '../vocabulary/usage.ts'
import type { Cancel } from './clock.ts'
import type { ReplicaAddress } from './engine.ts'

/** A call that wants to start on an owned engine. All of it can be told to another thread. */
export interface PlaceAsk {
  readonly model: string
  /** Deployments of owned engines that may serve it, the preferred first; at least one. */
  readonly deployments: readonly { readonly name: string; readonly tried: readonly number[] }[]
  /** `team:N`, else `key:N`. */
  readonly tenant: string
  readonly tier: string
  /** When it first asked for a place: it may have had one, or have gone elsewhere, where nobody answered it. */
  readonly since: EpochMs
  /** How long it has waited for places until now. */
  readonly waitedMs: DurationMs
  /** Before which its answer has to begin; null for none. */
  readonly deadlineAt: EpochMs | null
  /** Whether it may wait; one that may not is told `none` where there is no place now. */
  readonly mayWait: boolean
  /** Of its body, while it waits. */
  readonly bytes: number
  /** What its prompt has and its answer will probably have. */
  readonly tokens: { readonly input: Tokens; readonly output: Tokens }
  readonly prompt: PromptBlocks
  /** What the hosted deployment that could take it would cost more than the owned one; null where there is none to go to. */
  readonly elsewhere: { readonly moreDollars: NanoDollars | null } | null
}

/** How a call that had a place ended there. */
export interface PlaceEnd {
  /** As reported or estimated; null where nothing is known. */
  readonly usage: Usage | null
  /** Whether it ended as it should, so that its times tell something. */
  readonly isWhole: boolean
}

/** A place on a replica. Ends once. */
export interface Place {
  readonly deployment: string
  /** Its place in the list of replicas, from 0. */
  readonly replica: number
  /** Null where the base URL in that place is asked itself. */
  readonly address: ReplicaAddress | null
  readonly expectedCachedTokens: Tokens
  /** The first content of a stream, or a whole plain answer, came after so long. */
  began(waitedMs: DurationMs): void
  ended(end: PlaceEnd): void
}

export type PlaceAnswer =
  | { readonly kind: 'place'; readonly place: Place }
  /** To be sent to the hosted deployment: waiting would cost more. */
  | { readonly kind: 'spill'; readonly spill: SpillRecord }
  /** None of its deployments can be asked now; waiting for that is not the queue's affair. */
  | { readonly kind: 'none' }
  | { readonly kind: 'refuse'; readonly cause: 'queueFull' | 'queueTimeout'; readonly retryAfterMs: DurationMs }

/** Places on owned engines as the path of a call asks for them. */
export interface Places {
  /**
   * Asks for a place. `answer` is called once: within this call where it need not wait.
   *
   * @returns takes the call out of the queue, so that there is no answer any more; null once it was answered
   */
  ask(ask: PlaceAsk, answer: (answer: PlaceAnswer) => void): Cancel | null
}
