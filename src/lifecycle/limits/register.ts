import type { StoredLimit } from '../../ports/ledger.ts'
import type { Actor, LimitChanges, LimitRegistry, LimitStateQuery } from '../../ports/limits.ts'
import {
  declaredLimitId,
  type Limit,
  type LimitTerms,
  type LimitView,
  scopeText,
  twinLimitId,
} from '../../vocabulary/limit.ts'
import { readLimitTerms, writeLimitTerms } from '../../vocabulary/limit-terms.ts'
import type { Plan } from '../../vocabulary/plan.ts'
import { auditOf, CONFIGURATION, type RegisterParts, Turns } from './changes.ts'
import { PlanRegister } from './planRegister.ts'
import { isOfPlan } from './planRows.ts'

/** Every limit: those that the configuration declares and those that were made by the admin API. */
export class LimitRegister implements LimitRegistry {
  readonly #parts: RegisterParts
  readonly plans: PlanRegister
  readonly #limits = new Map<string, Limit>()
  readonly #turns = new Turns()

  private constructor(parts: RegisterParts) {
    this.#parts = parts
    this.plans = new PlanRegister(parts, this.#turns)
  }

  /**
   * Puts the limits and plans of the store and those declared into the book. What is declared wins over what was made,
   * keeping its use; what is declared no more is gone with its use.
   *
   * @throws Error when the store holds a limit or a plan that can't be read
   */
  static async open(
    declared: readonly LimitTerms[],
    plans: readonly Plan[],
    parts: RegisterParts,
  ): Promise<LimitRegister> {
    const register = new LimitRegister(parts)
    const all = parts.store.limits()
    const stored = new Map(all.filter(limit => !isOfPlan(limit)).map(limit => [limit.id, limit]))
    for (const terms of declared) {
      const id = register.#freeId(terms)!
      await register.#declare(id, terms, stored.get(id))
      stored.delete(id)
    }
    for (const limit of stored.values()) {
      if (limit.declared) await register.#undeclare(limit)
      else register.#take({ ...readStored(limit), id: limit.id, createdAt: limit.createdAt, readOnly: false })
    }
    await register.plans.open(plans, all.filter(isOfPlan))
    return register
  }

  /** Null where there is such a limit already, which does the same when it is reached. */
  #freeId(terms: LimitTerms): string | null {
    const id = declaredLimitId(terms)
    const first = this.#limits.get(id)
    if (first === undefined) return id
    const twin = twinLimitId(terms)
    return first.onReached.kind === terms.onReached.kind || this.#limits.has(twin) ? null : twin
  }

  async #declare(id: string, terms: LimitTerms, before: StoredLimit | undefined): Promise<void> {
    const limit: Limit = { ...terms, id, createdAt: before?.createdAt ?? this.#parts.clock.now(), readOnly: true }
    this.#take(limit)
    const isSame = before?.declared === true && JSON.stringify(before.terms) === JSON.stringify(writeLimitTerms(terms))
    if (!isSame) await this.#keep(limit, before === undefined ? null : before.terms, CONFIGURATION)
  }

  async #undeclare({ id, terms }: StoredLimit): Promise<void> {
    await this.#drop(id, terms, CONFIGURATION)
  }

  #take(limit: Limit): void {
    this.#limits.set(limit.id, limit)
    this.#parts.book.put(limit, this.#parts.clock.now())
  }

  #keep(limit: Limit, before: unknown, by: Actor): Promise<void> {
    const { id, createdAt, readOnly } = limit
    const terms = writeLimitTerms(limit)
    const audit = auditOf({ subject: `limit:${id}`, before, after: terms }, by, this.#parts.clock.now())
    return this.#parts.store.putLimit({ id, terms, createdAt, declared: readOnly }, audit)
  }

  #drop(id: string, before: unknown, by: Actor): Promise<void> {
    const audit = auditOf({ subject: `limit:${id}`, before, after: null }, by, this.#parts.clock.now())
    return this.#parts.store.removeLimit(id, audit)
  }

  limits(): readonly Limit[] {
    return [...this.#limits.values()]
  }

  async states({ scope, plan, limit }: LimitStateQuery): Promise<readonly LimitView[]> {
    const { book, clock } = this.#parts
    const now = clock.now()
    const found: LimitView[] = []
    for (const { id, scope: own, membership } of [...this.#limits.values(), ...this.plans.limits()]) {
      if (plan !== undefined && membership?.plan !== plan) continue
      const isAll = scope === undefined || scopeText(own) === scope
      for (const view of book.members(id, now)) {
        if (!isAll && view.scope !== scope) continue
        found.push(view)
        if (found.length >= limit) return found
      }
    }
    if (plan !== undefined) return found
    for (const view of book.members(null, now)) {
      if (found.length >= limit) break
      if (scope === undefined || scope === 'each:run' || scope === view.scope) found.push(view)
    }
    return found
  }

  /** On disk before it binds anybody: what a caller was refused by must not be gone after a crash. */
  create(terms: LimitTerms, by: Actor): Promise<Limit | 'taken'> {
    return this.#turns.take(async () => {
      const id = this.#freeId(terms)
      if (id === null) return 'taken'
      const limit: Limit = { ...terms, id, createdAt: this.#parts.clock.now(), readOnly: false }
      await this.#keep(limit, null, by)
      this.#take(limit)
      this.#parts.changed()
      return limit
    })
  }

  change(id: string, changes: LimitChanges, by: Actor): Promise<Limit | 'declared' | 'unknown'> {
    return this.#turns.take(async () => {
      const before = this.#limits.get(id)
      if (before === undefined) return 'unknown'
      if (before.readOnly) return 'declared'
      const limit: Limit = { ...before, ...changes }
      await this.#keep(limit, writeLimitTerms(before), by)
      this.#take(limit)
      this.#parts.changed()
      return limit
    })
  }

  remove(id: string, by: Actor): Promise<'removed' | 'declared' | 'unknown'> {
    return this.#turns.take(async () => {
      const limit = this.#limits.get(id)
      if (limit === undefined) return 'unknown'
      if (limit.readOnly) return 'declared'
      await this.#drop(id, writeLimitTerms(limit), by)
      this.#limits.delete(id)
      this.#parts.book.remove(id)
      this.#parts.changed()
      return 'removed'
    })
  }
}

function readStored({ id, terms }: StoredLimit): LimitTerms {
  const read = readLimitTerms(terms)
  if ('terms' in read) return read.terms
  const faults = read.faults.map(({ field, sentence }) => `${field}: ${sentence}`).join('; ')
  throw new Error(`the ledger holds the limit ${id}, which this version can't read: ${faults}`)
}
