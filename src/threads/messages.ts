import type { LimitAnswer } from '../ports/limits.ts'
import type { CallTimings, RefusedCall } from '../ports/observer.ts'
import type { Place, PlaceAnswer, PlaceAsk, PlaceEnd } from '../ports/places.ts'
import type { DurationMs, EpochMs } from '../units/time.ts'
import type { Tokens } from '../units/tokens.ts'
import type { Caller, Key } from '../vocabulary/caller.ts'
import type { CallId } from '../vocabulary/id.ts'
import type { LimitView, Quantity } from '../vocabulary/limit.ts'
import type { ActualAmounts, Amounts, LimitedCall, Need } from '../vocabulary/limited-call.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import type { RefusalCause } from '../vocabulary/refusal.ts'

/*
 * What threads of the data plane and the thread that owns limits and ledger say to each other. Both send lists of these,
 * once a turn of the event loop. Numbers name calls, holds and questions; the thread that begins one picks it.
 */

/** A request to the admin API, taken over a thread's connection. */
export interface CarriedRequest {
  readonly url: string
  readonly method: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array<ArrayBuffer> | null
  readonly address: string | null
}

export interface CarriedResponse {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array<ArrayBuffer>
}

/** Questions whose answer is no matter of microseconds. */
export type Question =
  | { readonly is: 'views'; readonly caller: Caller }
  | { readonly is: 'receipt'; readonly id: CallId }
  | { readonly is: 'metrics' }
  | { readonly is: 'admin'; readonly request: CarriedRequest }

export interface Answers {
  readonly views: readonly LimitView[]
  readonly receipt: CallRecord | null
  readonly metrics: { readonly contentType: string; readonly text: string }
  readonly admin: CarriedResponse
}

export type FromPlane =
  /** May this call start? The number becomes that of its hold. */
  | {
      readonly is: 'admit'
      readonly n: number
      readonly call: LimitedCall
      readonly need: Need
      /** Whether calls like it may be decided by the thread itself from then on. */
      readonly wantsLease: boolean
    }
  | { readonly is: 'leave'; readonly n: number }
  /** This call started out of a slice. */
  | {
      readonly is: 'carve'
      readonly n: number
      readonly lease: number
      readonly amounts: readonly Quantity[]
      readonly at: EpochMs
    }
  | { readonly is: 'extend'; readonly n: number; readonly more: Amounts }
  | { readonly is: 'post'; readonly n: number; readonly actual: ActualAmounts }
  | { readonly is: 'void'; readonly n: number }
  | { readonly is: 'return'; readonly lease: number }
  | { readonly is: 'append'; readonly n: number; readonly record: CallRecord }
  | { readonly is: 'ended'; readonly n: number; readonly timings: CallTimings }
  | { readonly is: 'started' }
  | {
      readonly is: 'refused'
      readonly cause: RefusalCause
      readonly status: number
      readonly key: string | null
      readonly call: RefusedCall | undefined
    }
  /** May this call start on an engine? The number becomes that of its place. */
  | { readonly is: 'place'; readonly n: number; readonly ask: PlaceAsk }
  | { readonly is: 'leavePlace'; readonly n: number }
  | { readonly is: 'placeBegan'; readonly n: number; readonly waitedMs: DurationMs }
  | { readonly is: 'placeEnded'; readonly n: number; readonly end: PlaceEnd }
  | { readonly is: 'ask'; readonly n: number; readonly question: Question }
  | { readonly is: 'listening' }
  | { readonly is: 'heard'; readonly n: number }
  | { readonly is: 'drained' }

/** An answer about a place as it crosses threads: the place stays with the owner. */
export type ToldPlace =
  | ({ readonly kind: 'place' } & Pick<Place, 'deployment' | 'replica' | 'address' | 'expectedCachedTokens'>)
  | Exclude<PlaceAnswer, { kind: 'place' }>

/** An admission as it crosses threads: the hold stays with the owner, its amounts are told. */
export type ToldAdmission =
  | (Omit<Extract<LimitAnswer, { kind: 'admit' }>, 'hold'> & { readonly held: Amounts })
  | Exclude<LimitAnswer, { kind: 'admit' }>

/** What a thread may decide by itself from now on, for calls of the same caller and model. */
export interface ToldLease {
  readonly n: number
  /** Null where nothing binds such calls. */
  readonly amounts: readonly Quantity[] | null
  readonly until: EpochMs
  /** The sliding limit with the least room when the lease was granted, without it. */
  readonly rate: LimitView | null
}

/** The length of an answer, of which other threads expect the next one's. */
export interface Learnt {
  readonly key: string
  readonly model: string
  readonly outputTokens: Tokens
}

export type ToPlane =
  | { readonly is: 'admission'; readonly n: number; readonly answer: ToldAdmission; readonly lease: ToldLease | null }
  | { readonly is: 'extended'; readonly n: number; readonly granted: boolean }
  | { readonly is: 'durable'; readonly n: number; readonly failure: string | null }
  | { readonly is: 'placed'; readonly n: number; readonly answer: ToldPlace }
  | { readonly is: 'answer'; readonly n: number; readonly value: unknown }
  | { readonly is: 'failed'; readonly n: number; readonly message: string }
  | { readonly is: 'callIn'; readonly leases: readonly number[] }
  | { readonly is: 'writable'; readonly writable: boolean }
  | { readonly is: 'key'; readonly n: number; readonly key: Key }
  | { readonly is: 'noKey'; readonly n: number; readonly name: string }
  | { readonly is: 'drain'; readonly drainMs: number }
  /** How long answers were that other threads had. */
  | { readonly is: 'learnt'; readonly answers: readonly Learnt[] }
