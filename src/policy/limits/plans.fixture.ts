import type { Limit, LimitView } from '../../vocabulary/limit.ts'
import type { LimitedCall } from '../../vocabulary/limited-call.ts'
import { limitsOfPlan } from '../../vocabulary/plan.ts'
import { readPlan } from '../../vocabulary/plan-terms.ts'
import { LimitBook } from './book.ts'
import { START } from './limits.fixture.ts'

/** The limits of a plan, in the form of the configuration. */
export function planLimits(name: string, value: unknown): readonly Limit[] {
  const read = readPlan(name, value)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return limitsOfPlan(read.plan).map(limit => ({ ...limit, createdAt: START, readOnly: true }))
}

export function putPlans(book: LimitBook, plans: Readonly<Record<string, unknown>>, now = START): void {
  for (const [name, value] of Object.entries(plans)) {
    for (const limit of planLimits(name, value)) book.put(limit, now)
  }
}

export function bookOfPlans(plans: Readonly<Record<string, unknown>>, now = START): LimitBook {
  const book = new LimitBook(now)
  putPlans(book, plans, now)
  return book
}

/** What binds a caller, by scope and part of its plan: `user:ana included`. */
export function byPart(book: LimitBook, { caller }: LimitedCall, now: number): Readonly<Record<string, LimitView>> {
  return Object.fromEntries(book.view(caller, now).map(view => [`${view.scope} ${view.part ?? 'own'}`, view]))
}
