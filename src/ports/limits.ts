import type { EpochMs } from '../units/time.ts'
import type { Caller } from '../vocabulary/caller.ts'
import type { Limit, LimitRefusal, LimitTerms, LimitUnit, LimitView } from '../vocabulary/limit.ts'
import type { ActualAmounts, Amounts, LimitedCall, Need } from '../vocabulary/limited-call.ts'
import type { Plan } from '../vocabulary/plan.ts'
import type { GrantView } from '../vocabulary/plan-grant.ts'
import type { PlanFault } from '../vocabulary/plan-terms.ts'
import type { Cancel } from './clock.ts'

/** What is set aside for one call in every limit that binds it. Ends once: by `post` or by `void`. */
export interface LimitHold {
  /** What is held now, extensions included. Dollars are null where nobody knows the price. */
  readonly held: Amounts
  /**
   * Adds to what is held, in all limits or in none. `answer` is called once, with false where a limit has no room; within
   * this call where nobody else has to be asked.
   */
  extend(more: Amounts, answer: (granted: boolean) => void): void
  /** Ends the hold by what was used, all of it, beyond the hold too. To be called just before the record is appended. */
  post(actual: ActualAmounts): void
  /** Gives all of it back, its request too. */
  void(): void
}

export interface LimitAdmitted {
  readonly kind: 'admit'
  readonly hold: LimitHold
  /** Upstreams whose limits have no room: the call must not be sent there. */
  readonly excluded: readonly string[]
  /** Limits that are reached but only warn. */
  readonly warnings: readonly LimitView[]
  /** Plans whose allowance had no room, so that the call is on their overflow; empty for none. */
  readonly overflow: readonly string[]
  /** The sliding limit with the least room after this call, for the dialects' headers; null when none binds it. */
  readonly rate: LimitView | null
}

/** The call is to be asked for anew with another model and with `skip`. */
export interface LimitDowngrade {
  readonly kind: 'downgrade'
  readonly model: string
  readonly skip: readonly string[]
  /** The limit that sends it there. */
  readonly limit: LimitView
}

export type LimitAnswer = LimitAdmitted | LimitDowngrade | LimitRefusal

/** Limits as the path of a call asks them: they decide together, at once, and hold in all or in none. */
export interface Limits {
  /**
   * Asks whether a call may start. `answer` is called once: within this call where it need not wait, else when there is
   * room or the wait is over.
   *
   * @returns takes the call out of the queue, so that there is no answer any more; null once it was answered
   */
  admit(call: LimitedCall, need: Need, answer: (answer: LimitAnswer) => void): Cancel | null
  /** Every limit that binds a caller whatever it calls, with those of its run. */
  views(caller: Caller): Promise<readonly LimitView[]>
}

/** Who changes something, for the audit. */
export interface Actor {
  /** `admin` for the admin token, `configuration` for what a start finds changed. */
  readonly name: string
  /** Address that the request came from; null for none. */
  readonly address: string | null
}

/** Limits as the admin API changes them. Configuration and admin API are two ways into one registry. */
export interface LimitRegistry {
  limits(): readonly Limit[]
  /** How much is taken: of each limit, and of each member of an `each:` limit that has taken something. */
  states(query: LimitStateQuery): Promise<readonly LimitView[]>
  create(terms: LimitTerms, by: Actor): Promise<Limit | 'taken'>
  /** Changes the amount and what happens when it is reached; what is used stays. */
  change(id: string, changes: LimitChanges, by: Actor): Promise<Limit | 'declared' | 'unknown'>
  remove(id: string, by: Actor): Promise<'removed' | 'declared' | 'unknown'>
}

export interface LimitStateQuery {
  /** Only this scope, as `scopeText` writes it or as a member shows it: `each:key`, `key:ci`. */
  readonly scope?: string
  /** Only limits of this plan. */
  readonly plan?: string
  /** At most so many. */
  readonly limit: number
}

export type LimitChanges = Partial<Pick<LimitTerms, 'amount' | 'onReached'>>

/** A plan at work. */
export interface RegisteredPlan {
  /** As it was written; credits that were granted since are not in it. */
  readonly plan: Plan
  readonly createdAt: EpochMs
  /** Declared in the configuration, therefore not to be changed by the admin API; credits may be granted all the same. */
  readonly readOnly: boolean
}

/** Credits of a plan, and what became of them with one member of their limit. */
export interface PlanGrant extends GrantView {
  /** Id of the limit that they make. */
  readonly limit: string
  /** Of the member, where the limit is an `each:` one. */
  readonly scope: string
  readonly unit: LimitUnit
  /** Stands in the plan as it was written, and changes with that alone. */
  readonly isWritten: boolean
}

/** All that is wrong with what was to become a plan or a grant. */
export interface PlanFaults {
  readonly faults: readonly PlanFault[]
}

/** Plans as the admin API changes them, one change after the other. */
export interface PlanRegistry {
  plans(): readonly RegisteredPlan[]
  create(plan: Plan, by: Actor): Promise<RegisteredPlan | 'taken'>
  /**
   * Changes a plan. A limit that is still in it keeps its use, one that is not goes with it.
   *
   * @param revise makes the new plan of the one that there is when its turn has come
   */
  change(
    name: string,
    revise: (plan: Plan) => { readonly plan: Plan } | PlanFaults,
    by: Actor,
  ): Promise<RegisteredPlan | PlanFaults | 'declared' | 'unknown'>
  remove(name: string, by: Actor): Promise<'removed' | 'declared' | 'unknown'>
  /** Every grant of a plan: those of an `each:` limit once for each member that has taken something. */
  grants(name: string): Promise<readonly PlanGrant[] | 'unknown'>
  /**
   * Grants credits, of a declared plan too.
   *
   * @param value `{ limit?, id?, amount, priority?, createdAt?, expiresAt?, kind? }` as a plan writes them; `limit` is the
   *   id of the limit that they are for, and may be left out where only one is made of grants
   * @returns the grant, as nobody has drawn of it
   */
  grant(name: string, value: unknown, by: Actor): Promise<PlanGrant | PlanFaults | 'taken' | 'unknown'>
  /** Ends credits that were granted: what is used stays used, what calls hold is honoured, the rest is gone. */
  revokeGrant(name: string, id: string, by: Actor): Promise<'revoked' | 'written' | 'unknown'>
}
