import type { EpochMs } from '../../units/time.ts'
import type { Quantity } from '../../vocabulary/limit.ts'
import type { Amounts, LimitedCall } from '../../vocabulary/limited-call.ts'
import type { MemberState } from './state.ts'

/** A call that waits for room. */
export interface Ticket {
  readonly call: LimitedCall
  need: readonly Quantity[]
  /** The same, as the call told it. */
  readonly amounts: Amounts
  /** Earlier calls have smaller ones. */
  readonly arrival: number
  /** When it has waited long enough. */
  readonly deadline: EpochMs
  /** The limit without room; null once it waits no more. */
  member: MemberState | null
}
