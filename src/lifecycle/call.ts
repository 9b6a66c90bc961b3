import type { RawHeaders } from '../ports/engine.ts'
import type { ParsedBody, Wire } from '../ports/wire.ts'
import type { NanoDollars } from '../units/money.ts'
import type { EpochMs, MonotonicMs } from '../units/time.ts'
import type { Caller } from '../vocabulary/caller.ts'
import type { Model } from '../vocabulary/deployment.ts'
import type { DialectName } from '../vocabulary/dialect.ts'
import type { CallId } from '../vocabulary/id.ts'
import type { LimitView } from '../vocabulary/limit.ts'
import type { Refusal } from '../vocabulary/refusal.ts'

/** An answer of Penstock's own, ready to be sent. */
export interface RenderedRefusal {
  readonly status: number
  readonly headers: RawHeaders
  readonly body: Uint8Array
}

/** How the lifecycle speaks the caller's dialect without knowing any. */
export interface CallerDialect {
  readonly name: DialectName
  /** The header in which this dialect's servers name a request. */
  readonly requestIdHeader: string
  refusal(refusal: Refusal, id: CallId | null): RenderedRefusal
  /** The upstream's headers that the caller is shown. */
  answerHeaders(headers: RawHeaders): RawHeaders
  /** How much room a limit has, in the headers in which this dialect's servers say it. */
  rateLimitHeaders(view: LimitView, now: EpochMs): RawHeaders
}

/** One call, authenticated and parsed: everything that serving it needs. */
export interface Call {
  readonly id: CallId
  readonly arrivedAt: EpochMs
  /** On the monotonic clock, for measuring. */
  readonly arrived: MonotonicMs
  readonly wire: Wire
  readonly dialect: CallerDialect
  readonly model: Model
  readonly caller: Caller
  readonly body: ParsedBody
  /** Query string with its `?`, or empty. */
  readonly query: string
  /** The caller's headers that go up. */
  readonly headers: RawHeaders
  readonly traceparent: string | null
  /** Dollars that the run which this call belongs to may cost, if it is the first to say so. */
  readonly runBudget: NanoDollars | null
  /** Dollars that this call may cost at most. */
  readonly maxDollars: NanoDollars | null
  /** When its answer has to have begun; null where the caller did not say. */
  readonly deadlineAt: EpochMs | null
  /** The class of service that it is made in. */
  readonly tier: string
}
