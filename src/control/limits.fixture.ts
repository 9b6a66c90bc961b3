import type { AuditEntry, LimitStore } from '../ports/ledger.ts'
import type { Actor, LimitRegistry, LimitStateQuery } from '../ports/limits.ts'
import type { EpochMs } from '../units/time.ts'
import { declaredLimitId, type Limit, type LimitTerms, type LimitView, scopeText } from '../vocabulary/limit.ts'
import { readLimitTerms, writeLimitTerms } from '../vocabulary/limit-terms.ts'

export function termsOf(form: Readonly<Record<string, unknown>>): LimitTerms {
  const read = readLimitTerms(form)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return read.terms
}

export interface MemoryLimits extends LimitRegistry {
  readonly audits: LimitStore['audits']
  /** What `states` was asked. */
  readonly asked: LimitStateQuery[]
  /** Puts what somebody else changed into the audit. */
  keep(entry: AuditEntry | null): void
  /** Counts so much as used by a member of a limit: its scope, or that of one of an `each:`. */
  use(id: string, scope: string, used: number): void
}

/** Limits and their audit in memory: nothing binds anybody, what is used is what a test says, and time stands still. */
export function memoryLimits(now: EpochMs, declared: readonly LimitTerms[]): MemoryLimits {
  const known = new Map<string, Limit>()
  const used = new Map<string, Map<string, number>>()
  const entries: AuditEntry[] = []
  const asked: LimitStateQuery[] = []
  for (const terms of declared) {
    const id = declaredLimitId(terms)
    known.set(id, { ...terms, id, createdAt: now, readOnly: true })
  }
  const note = ({ name, address }: Actor, id: string, before: LimitTerms | null, after: LimitTerms | null) => {
    const action = before === null ? 'create' : after === null ? 'delete' : 'change'
    const form = (terms: LimitTerms | null) => terms && writeLimitTerms(terms)
    const subject = `limit:${id}`
    entries.push({ at: now, actor: name, address, action, subject, before: form(before), after: form(after) })
  }
  return {
    asked,
    keep: entry => {
      // What is declared was there before the stage, as declared limits are.
      if (entry !== null && entry.actor !== 'configuration') entries.push(entry)
    },
    limits: () => [...known.values()],
    states: async query => {
      asked.push(query)
      const views = [...known.values()].flatMap(limit => viewsOf(limit, used.get(limit.id) ?? new Map()))
      return views.filter(view => matches(view, known, query.scope)).slice(0, query.limit)
    },
    use: (id, scope, quantity) => used.set(id, new Map(used.get(id)).set(scope, quantity)),
    create: async (terms, by) => {
      const id = declaredLimitId(terms)
      if (known.has(id)) return 'taken'
      const limit: Limit = { ...terms, id, createdAt: now, readOnly: false }
      known.set(id, limit)
      note(by, id, null, limit)
      return limit
    },
    change: async (id, changes, by) => {
      const before = known.get(id)
      if (before === undefined) return 'unknown'
      if (before.readOnly) return 'declared'
      const after = { ...before, ...changes }
      known.set(id, after)
      note(by, id, before, after)
      return after
    },
    remove: async (id, by) => {
      const before = known.get(id)
      if (before === undefined) return 'unknown'
      if (before.readOnly) return 'declared'
      known.delete(id)
      note(by, id, before, null)
      return 'removed'
    },
    audits: async ({ before = Number.POSITIVE_INFINITY, limit }) =>
      entries
        .map((entry, index) => ({ ...entry, number: index + 1 }))
        .filter(({ number }) => number < before)
        .reverse()
        .slice(0, limit),
  }
}

function matches(view: LimitView, known: ReadonlyMap<string, Limit>, scope: string | undefined): boolean {
  return scope === undefined || view.scope === scope || scopeText(known.get(view.limit!)!.scope) === scope
}

function viewsOf(limit: Limit, used: ReadonlyMap<string, number>): readonly LimitView[] {
  const { id, unit, amount, window } = limit
  const members = limit.scope.kind === 'each' ? [...used.keys()] : [scopeText(limit.scope)]
  return members.map(scope => {
    const taken = used.get(scope) ?? 0
    const left = Math.max(0, amount - taken)
    return { limit: id, scope, unit, window: window.form, amount, used: taken, held: 0, left, resetsAt: null }
  })
}
