import type { LimitRegistry } from '../ports/limits.ts'
import type { Owner } from './owner.ts'

/** Limits that threads decide by: shown when nothing is out in leases, changed only when every thread goes by the change. */
export function limitsOverThreads(registry: LimitRegistry, owner: Owner): LimitRegistry {
  async function told<T>(change: Promise<T>): Promise<T> {
    const done = await change
    await owner.recalled()
    return done
  }
  return {
    limits: () => registry.limits(),
    states: query => owner.settled(() => registry.states(query)),
    create: (terms, by) => told(registry.create(terms, by)),
    change: (id, changes, by) => told(registry.change(id, changes, by)),
    remove: (id, by) => told(registry.remove(id, by)),
  }
}
