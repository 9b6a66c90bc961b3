import type { LimitTerms } from '../../vocabulary/limit.ts'

export const NO_PLANS: readonly string[] = []

/** A scope that a caller is in, with the name of the member that it is there. */
export type ScopeOfCaller = readonly [scope: string, member: string]

/** The scope of all subscribers of a plan together. */
export function poolOf(plan: string): ScopeOfCaller {
  return [`plan:${plan}`, '']
}

/** Which plans there are and who subscribes to them. */
export class PlanIndex {
  readonly #bySubscriber = new Map<string, Set<string>>()

  clear(): void {
    this.#bySubscriber.clear()
  }

  get isEmpty(): boolean {
    return this.#bySubscriber.size === 0
  }

  /** @returns where a limit is found: under its scope, or its plan and its scope */
  add({ membership }: LimitTerms, scope: string): string {
    if (membership === undefined) return scope
    const { plan, subscribers } = membership
    for (const subscriber of subscribers) {
      const plans = this.#bySubscriber.get(subscriber)
      if (plans === undefined) this.#bySubscriber.set(subscriber, new Set([plan]))
      else plans.add(plan)
    }
    return placeOf(plan, scope)
  }

  /** The plans of a caller who is in these scopes. */
  of(scopes: readonly ScopeOfCaller[]): readonly string[] {
    if (this.isEmpty) return NO_PLANS
    const plans = new Set<string>()
    for (const [scope] of scopes) for (const plan of this.#bySubscriber.get(scope) ?? NO_PLANS) plans.add(plan)
    return [...plans]
  }

  /** Where the limits of a plan on these scopes are found. */
  places(plan: string, scopes: readonly ScopeOfCaller[]): readonly ScopeOfCaller[] {
    return scopes.map(([scope, name]) => [placeOf(plan, scope), name])
  }
}

/** No scope begins with a line feed. */
function placeOf(plan: string, scope: string): string {
  return `\n${plan}\n${scope}`
}

/** Whether a limit of a plan binds a subscriber, or something else is said of it. */
export function bindsCaller({ membership }: LimitTerms, scopes: readonly ScopeOfCaller[]): boolean {
  return membership === undefined || !scopes.some(([scope]) => membership.except.includes(scope))
}

/** Whether a limit binds a call of a caller that it may bind, by model, and by what of its plan the call goes to. */
export function bindsCall({ membership }: LimitTerms, model: string, overflow: readonly string[]): boolean {
  if (membership === undefined) return true
  const { part, plan, models } = membership
  if (models !== null && !models.includes(model)) return false
  return part === 'limits' || overflow.includes(plan) === (part === 'overflow')
}
