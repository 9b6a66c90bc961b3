import type { NanoDollars } from '../../units/money.ts'
import type { Refusal } from '../../vocabulary/refusal.ts'

/** What a call is asked to be admitted with. */
export interface AdmissionRequest {
  /** Who pays. */
  readonly account: string
  /** The name that the caller asked for, for the sentence of a refusal. */
  readonly model: string
  /** The most that the call can cost at each deployment that may serve it; null where nobody knows the price. */
  readonly worstCases: readonly (NanoDollars | null)[]
}

/** What is to be held before the first attempt. */
export interface AmountToHold {
  readonly account: string
  /** Null when a price is unknown, so that no amount is enough. */
  readonly dollars: NanoDollars | null
}

export type Admission =
  | { readonly kind: 'admit'; readonly hold: AmountToHold }
  | { readonly kind: 'refuse'; readonly refusal: Refusal }

/**
 * Decides whether a call may start, and what it must hold: the worst case at the dearest deployment that may come to
 * serve it. Pure.
 *
 * @returns `admit` with the amount to hold, or `refuse` when nothing can serve the call
 */
export function decideAdmission({ account, model, worstCases }: AdmissionRequest): Admission {
  if (worstCases.length === 0) {
    return { kind: 'refuse', refusal: { cause: 'noDeployment', message: `no deployment serves the model '${model}'` } }
  }
  let dollars: NanoDollars = 0n
  for (const worstCase of worstCases) {
    if (worstCase === null) return { kind: 'admit', hold: { account, dollars: null } }
    if (worstCase > dollars) dollars = worstCase
  }
  return { kind: 'admit', hold: { account, dollars } }
}
