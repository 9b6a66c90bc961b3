import type { LimitRegistry, PlanRegistry } from '../ports/limits.ts'
import type { Owner } from './owner.ts'

/** Limits that threads decide by: shown when nothing is out in leases, changed only when every thread goes by the change. */
export function limitsOverThreads(registry: LimitRegistry, owner: Owner): LimitRegistry {
  const told = toldBy(owner)
  return {
    limits: () => registry.limits(),
    states: query => owner.settled(() => registry.states(query)),
    create: (terms, by) => told(registry.create(terms, by)),
    change: (id, changes, by) => told(registry.change(id, changes, by)),
    remove: (id, by) => told(registry.remove(id, by)),
  }
}

/** The same of plans. */
export function plansOverThreads(plans: PlanRegistry, owner: Owner): PlanRegistry {
  const told = toldBy(owner)
  return {
    plans: () => plans.plans(),
    grants: name => owner.settled(() => plans.grants(name)),
    create: (plan, by) => told(plans.create(plan, by)),
    change: (name, revise, by) => told(plans.change(name, revise, by)),
    remove: (name, by) => told(plans.remove(name, by)),
    grant: (name, value, by) => told(plans.grant(name, value, by)),
    revokeGrant: (name, id, by) => told(plans.revokeGrant(name, id, by)),
  }
}

/** Answers with what a change came to when no thread goes by what was before any more. */
function toldBy(owner: Owner): <T>(change: Promise<T>) => Promise<T> {
  return async change => {
    const done = await change
    await owner.recalled()
    return done
  }
}
