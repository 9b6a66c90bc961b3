import {
  type Limit,
  type LimitTerms,
  limitIdOf,
  type PlanPart,
  type Quantity,
  type Scope,
  scopeText,
  windowText,
} from './limit.ts'

/** The lists of a plan, in the order in which they are written. */
export const PLAN_PARTS = ['limits', 'included', 'overflow'] as const satisfies readonly PlanPart[]

/** Seats of one kind, each with its share of the amount; also units of capacity that was bought. */
export interface Seats {
  readonly kind: string
  readonly count: number
  /** Nano-dollars for dollars, else tokens or requests. */
  readonly each: Quantity
}

/** One limit of a plan: its scope lies inside the plan, and its amount may be made of seats or grants. */
export interface PlanLimit extends Omit<LimitTerms, 'membership'> {
  /** Callers in these scopes are not bound, since something else is said of them. */
  readonly except: readonly Scope[]
  /** Only calls of these models are bound; null for all. */
  readonly models: readonly string[] | null
  /** What the amount is the sum of; null where it is not. */
  readonly seats: readonly Seats[] | null
}

/**
 * A plan as data. `limits` always bind its subscribers. `included` is their allowance: a call for which it has no room
 * goes to `overflow` instead, if there is any, and is bound by that alone besides `limits`.
 *
 * A call goes there whole: the last of an allowance that is smaller than what a call may use is left to smaller calls,
 * or until the window ends. So what is left unused is always less than one call's hold, and no call is priced in two
 * ways, but for a stream that outran its hold: what is added to it while it runs may be overflow.
 */
export interface Plan extends Readonly<Record<PlanPart, readonly PlanLimit[]>> {
  readonly name: string
  readonly subscribers: readonly Scope[]
}

/**
 * The id of a plan's limit, the same in every instance: a changed amount, rate or grant keeps its use. Where tokens burn
 * at rates of their own, or grants make the amount, something else is counted, under another id.
 */
export function planLimitId(plan: string, part: PlanPart, limit: PlanLimit): string {
  const { scope, unit, window, models, burn, grants } = limit
  const manner = `${burn === undefined ? '' : 'burn'} ${grants === undefined ? '' : 'grants'}`
  const identity = [plan, part, scopeText(scope), unit, windowText(window), manner, ...(models ?? [])]
  return limitIdOf(identity.join('\n'))
}

/** A limit that a plan was compiled into, but for when it began. */
export type CompiledLimit = Omit<Limit, 'createdAt' | 'readOnly'>

/** The limits that a plan is made of, for `LimitBook.put`. */
export function limitsOfPlan(plan: Plan): readonly CompiledLimit[] {
  const subscribers = plan.subscribers.map(scopeText)
  return PLAN_PARTS.flatMap(part =>
    plan[part].map(limit => {
      const { models, seats, except, ...terms } = limit
      const membership = { plan: plan.name, part, subscribers, except: except.map(scopeText), models }
      return {
        ...terms,
        id: planLimitId(plan.name, part, limit),
        membership,
        // What was paid for stays until the period is over.
        ...(seats === null ? {} : { lowersNextPeriod: true }),
      }
    }),
  )
}
