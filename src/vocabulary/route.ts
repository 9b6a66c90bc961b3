import type { NanoDollars } from '../units/money.ts'

/** By what the deployments of a model are put in order. */
export type Route = 'inOrder' | 'cheapest' | 'fastest' | 'greenest' | 'balanced'

/** Every route, in the order of their codes in the ledger: append only. */
export const ROUTES: readonly Route[] = ['inOrder', 'cheapest', 'fastest', 'greenest', 'balanced']

/** Why an attempt went where it went: kept with it where there was a choice. */
export interface RouteRecord {
  readonly by: Route
  /** Those that could be asked, the preferred first. */
  readonly candidates: readonly RouteCandidate[]
  /** Those that could not, each with the reason in a few words. */
  readonly passedOver: readonly { readonly deployment: string; readonly why: string }[]
}

export interface RouteCandidate {
  /** `upstream/model`. */
  readonly deployment: string
  /** Less is better; in what unit depends on the route. Null where what it is made of is not known. */
  readonly score: number | null
  /** What this call will probably cost there; null when nobody knows the price. */
  readonly dollars: NanoDollars | null
}
