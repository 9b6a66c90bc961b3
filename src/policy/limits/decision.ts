import type { LimitRefusal, LimitView, Quantity } from '../../vocabulary/limit.ts'
import type { Hold } from './hold.ts'
import type { Ticket } from './ticket.ts'

/** A call may start; what it may use is held. */
export interface Admitted {
  readonly kind: 'admit'
  readonly hold: Hold
  /** Limits that are reached but only warn. */
  readonly warnings: readonly LimitView[]
  /** Plans whose allowance had no room, so that the call is on their overflow; empty for none. */
  readonly overflow: readonly string[]
}

/** A call waits for room. Ask `wake` for it. */
export interface Queued {
  readonly kind: 'queue'
  readonly ticket: Ticket
  /** The limit it waits for. */
  readonly limit: LimitView
}

/** A call is to be decided anew with another model, and with the limit's id in `skip`. */
export interface Downgraded {
  readonly kind: 'downgrade'
  readonly model: string
  readonly skip: readonly string[]
  readonly limit: LimitView
}

export type Decision = Admitted | Queued | Downgraded | LimitRefusal

/** What became of a call that waited. */
export interface Woken {
  readonly ticket: Ticket
  readonly decision: Exclude<Decision, Queued>
}

/** What became of a hold that was posted. */
export interface Posting {
  /** What was used beyond the hold, by unit in the order of `LIMIT_UNITS`; null when nothing was. */
  readonly overrun: readonly Quantity[] | null
}
