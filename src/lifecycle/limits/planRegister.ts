import type { StoredLimit } from '../../ports/ledger.ts'
import type { Actor, PlanFaults, PlanGrant, PlanRegistry, RegisteredPlan } from '../../ports/limits.ts'
import type { EpochMs } from '../../units/time.ts'
import type { Limit } from '../../vocabulary/limit.ts'
import { limitsOfPlan, type Plan } from '../../vocabulary/plan.ts'
import { writeGrant, writePlan } from '../../vocabulary/plan-form.ts'
import type { Grant } from '../../vocabulary/plan-grant.ts'
import { auditOf, type Changed, CONFIGURATION, type RegisterParts, type Turns } from './changes.ts'
import { ended, grantsOf, readGrantFor, untouched } from './planGrants.ts'
import {
  type Given,
  limitRow,
  planRow,
  readGiven,
  readPlanRow,
  saysPlan,
  stillGiven,
  subjectOf,
  withGiven,
  writtenIn,
} from './planRows.ts'

/** A plan at work: as it was written, what was granted since, and the limits that both are compiled into. */
interface Kept extends RegisteredPlan {
  readonly given: readonly Given[]
  readonly limits: readonly Limit[]
}

/** Every plan: those that the configuration declares and those that were made by the admin API. */
export class PlanRegister implements PlanRegistry {
  readonly #parts: RegisterParts
  readonly #turns: Turns
  readonly #plans = new Map<string, Kept>()

  constructor(parts: RegisterParts, turns: Turns) {
    this.#parts = parts
    this.#turns = turns
  }

  /**
   * Puts the plans of the store and those declared into the book. A declared one wins over one that was made, keeping
   * the use of the limits that are in both, and what was granted.
   *
   * @param rows all of the store that are of plans
   * @throws Error when the store holds a plan that can't be read
   */
  async open(declared: readonly Plan[], rows: readonly StoredLimit[]): Promise<void> {
    const began = new Map(rows.filter(row => !saysPlan(row)).map(({ id, createdAt }) => [id, createdAt]))
    const stored = new Map(rows.filter(saysPlan).map(row => [row.id, row]))
    for (const plan of declared) {
      const id = subjectOf(plan.name)
      await this.#declare(plan, stored.get(id), began)
      stored.delete(id)
    }
    for (const row of stored.values()) {
      if (row.declared) {
        const audit = { subject: row.id, before: writtenIn(row), after: null }
        await this.#parts.store.removeLimit(row.id, this.#audit(audit, CONFIGURATION))
      } else {
        const kept = this.#compile(readPlanRow(row), { given: readGiven(row), of: row, began })
        await this.#begin(kept, began)
        this.#take(kept)
      }
    }
    for (const { id } of this.limits()) began.delete(id)
    // Of plans that are gone, or of a change that a crash broke off.
    for (const id of began.keys()) await this.#parts.store.removeLimit(id, null)
  }

  async #declare(plan: Plan, before: StoredLimit | undefined, began: ReadonlyMap<string, EpochMs>): Promise<void> {
    const of = { createdAt: before?.createdAt ?? this.#parts.clock.now(), declared: true }
    const kept = this.#compile(plan, { given: before === undefined ? [] : readGiven(before), of, began })
    const row = planRow({ ...kept, declared: true })
    await this.#begin(kept, began)
    if (before?.declared !== true || JSON.stringify(before.terms) !== JSON.stringify(row.terms)) {
      const change = {
        subject: row.id,
        before: before === undefined ? null : writtenIn(before),
        after: writtenIn(row),
      }
      await this.#parts.store.putLimit(row, this.#audit(change, CONFIGURATION))
    }
    this.#take(kept)
  }

  /** Writes rows of limits that are new, before the plan names them. */
  async #begin({ limits }: Kept, began: ReadonlyMap<string, EpochMs>): Promise<void> {
    for (const limit of limits) if (!began.has(limit.id)) await this.#parts.store.putLimit(limitRow(limit), null)
  }

  #compile(
    plan: Plan,
    {
      given,
      of,
      began,
    }: {
      readonly given: readonly Given[]
      readonly of: Pick<StoredLimit, 'createdAt' | 'declared'>
      readonly began: ReadonlyMap<string, EpochMs>
    },
  ): Kept {
    const { createdAt, declared: readOnly } = of
    const still = stillGiven(plan, given)
    const now = this.#parts.clock.now()
    const limits = limitsOfPlan(withGiven(plan, still)).map(limit => {
      return { ...limit, createdAt: began.get(limit.id) ?? now, readOnly }
    })
    return { plan, given: still, createdAt, readOnly, limits }
  }

  #take(kept: Kept): void {
    const { book, clock } = this.#parts
    const before = this.#plans.get(kept.plan.name)?.limits ?? []
    this.#plans.set(kept.plan.name, kept)
    for (const limit of kept.limits) book.put(limit, clock.now())
    for (const { id } of gone(before, kept.limits)) book.remove(id)
  }

  #audit(change: Changed, by: Actor) {
    return auditOf(change, by, this.#parts.clock.now())
  }

  plans(): readonly RegisteredPlan[] {
    return [...this.#plans.values()].map(shown)
  }

  /** What all plans are compiled into. */
  limits(): readonly Limit[] {
    return [...this.#plans.values()].flatMap(({ limits }) => limits)
  }

  create(plan: Plan, by: Actor): Promise<RegisteredPlan | 'taken'> {
    return this.#turns.take(async () => {
      if (this.#plans.has(plan.name)) return 'taken'
      const of = { createdAt: this.#parts.clock.now(), declared: false }
      const kept = this.#compile(plan, { given: [], of, began: new Map() })
      await this.#replace(null, kept, { subject: subjectOf(plan.name), before: null, after: writePlan(plan) }, by)
      return shown(kept)
    })
  }

  change(
    name: string,
    revise: (plan: Plan) => { readonly plan: Plan } | PlanFaults,
    by: Actor,
  ): Promise<RegisteredPlan | PlanFaults | 'declared' | 'unknown'> {
    return this.#turns.take(async () => {
      const before = this.#plans.get(name)
      if (before === undefined) return 'unknown'
      if (before.readOnly) return 'declared'
      const revised = revise(before.plan)
      if ('faults' in revised) return revised
      const kept = this.#recompile(before, revised.plan, before.given)
      const audit = { subject: subjectOf(name), before: writePlan(before.plan), after: writePlan(kept.plan) }
      await this.#replace(before, kept, audit, by)
      return shown(kept)
    })
  }

  #recompile(before: Kept, plan: Plan, given: readonly Given[]): Kept {
    const began = new Map(before.limits.map(({ id, createdAt }) => [id, createdAt]))
    return this.#compile(plan, { given, of: { ...before, declared: before.readOnly }, began })
  }

  /**
   * On disk before it binds anybody. The row of the plan is what counts: limits are there before it names them, and a
   * crash before the last of those that it names no more is gone leaves rows that the next start takes away.
   */
  async #replace(before: Kept | null, after: Kept, audit: Changed, by: Actor): Promise<void> {
    const { store, changed } = this.#parts
    for (const limit of gone(after.limits, before?.limits ?? [])) {
      // What a failed removal left of an earlier one must not count.
      await store.removeLimit(limit.id, null)
      await store.putLimit(limitRow(limit), null)
    }
    await store.putLimit(planRow({ ...after, declared: after.readOnly }), this.#audit(audit, by))
    this.#take(after)
    changed()
    for (const { id } of gone(before?.limits ?? [], after.limits)) await store.removeLimit(id, null)
  }

  remove(name: string, by: Actor): Promise<'removed' | 'declared' | 'unknown'> {
    return this.#turns.take(async () => {
      const kept = this.#plans.get(name)
      if (kept === undefined) return 'unknown'
      if (kept.readOnly) return 'declared'
      const { store, book, changed } = this.#parts
      const audit = { subject: subjectOf(name), before: writePlan(kept.plan), after: null }
      await store.removeLimit(subjectOf(name), this.#audit(audit, by))
      this.#plans.delete(name)
      for (const { id } of kept.limits) book.remove(id)
      changed()
      for (const { id } of kept.limits) await store.removeLimit(id, null)
      return 'removed'
    })
  }

  async grants(name: string): Promise<readonly PlanGrant[] | 'unknown'> {
    const kept = this.#plans.get(name)
    return kept === undefined ? 'unknown' : this.#grantsOf(kept)
  }

  #grantsOf({ limits, given }: Kept): readonly PlanGrant[] {
    const { book, clock } = this.#parts
    return grantsOf(limits, given, id => book.grants(id, clock.now()))
  }

  grant(name: string, value: unknown, by: Actor): Promise<PlanGrant | PlanFaults | 'taken' | 'unknown'> {
    return this.#turns.take(async () => {
      const before = this.#plans.get(name)
      if (before === undefined) return 'unknown'
      const read = readGrantFor(before.limits, value, this.#parts.clock.now())
      if (read === 'taken' || 'faults' in read) return read
      const after = this.#recompile(before, before.plan, [...before.given, read])
      await this.#replace(before, after, this.#grantChange(before, read, { before: null, after: read.grant }), by)
      return untouched(after.limits.find(({ id }) => id === read.limit)!, read.grant, false)
    })
  }

  revokeGrant(name: string, id: string, by: Actor): Promise<'revoked' | 'written' | 'unknown'> {
    return this.#turns.take(async () => {
      const before = this.#plans.get(name)
      if (before === undefined) return 'unknown'
      const found = before.given.find(({ grant }) => grant.id === id)
      if (found === undefined) {
        return before.limits.some(({ grants = [] }) => grants.some(grant => grant.id === id)) ? 'written' : 'unknown'
      }
      const grant = ended(found.grant, this.#parts.clock.now())
      if (grant === found.grant) return 'revoked'
      const others = before.given.filter(given => given !== found)
      const given = grant === null ? others : [...others, { ...found, grant }]
      const change = this.#grantChange(before, found, { before: found.grant, after: grant })
      await this.#replace(before, this.#recompile(before, before.plan, given), change, by)
      return 'revoked'
    })
  }

  #grantChange(
    { plan, limits }: Kept,
    { limit, grant }: Given,
    { before, after }: { readonly before: Grant | null; readonly after: Grant | null },
  ): Changed {
    const { unit } = limits.find(({ id }) => id === limit)!
    const form = (of: Grant | null) => of && { plan: plan.name, limit, ...writeGrant(of, unit) }
    return { subject: `grant:${grant.id}`, before: form(before), after: form(after) }
  }
}

function shown({ plan, createdAt, readOnly }: Kept): RegisteredPlan {
  return { plan, createdAt, readOnly }
}

/** Those of the first that are not among the second. */
function gone(limits: readonly Limit[], others: readonly Limit[]): readonly Limit[] {
  const ids = new Set(others.map(({ id }) => id))
  return limits.filter(({ id }) => !ids.has(id))
}
