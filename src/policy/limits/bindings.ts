import type { EpochMs } from '../../units/time.ts'
import type { Caller } from '../../vocabulary/caller.ts'
import { EACH_OF, type EachOf, type LimitTerms, MAX_QUANTITY } from '../../vocabulary/limit.ts'
import type { LimitedCall } from '../../vocabulary/limited-call.ts'
import type { Binding } from './hold.ts'
import { Members } from './members.ts'
import { bindsCall, bindsCaller, NO_PLANS, PlanIndex, poolOf, type ScopeOfCaller } from './plans.ts'
import { Rule } from './rule.ts'
import type { MemberState } from './state.ts'

/** Callers whose limits are remembered at most; beyond, all are looked up anew. */
const MAX_CALLERS_REMEMBERED = 20_000
/** Models a caller whose limits are remembered at most. */
const MAX_MODELS_REMEMBERED = 64

const NO_BINDING: Binding = { members: [], upstreams: null }
const NO_MEMBERS: readonly Members[] = []

/** What binds the calls of one key, without its runs. */
interface Remembered {
  readonly tags: Caller['tags']
  readonly team: string | null
  readonly user: string | null
  /** By model, and the plans that overflowed. */
  readonly byModel: Map<string, { readonly upstreams: readonly string[]; readonly binding: Binding }>
}

/** Budgets that runs bring along are no declared limit, but are counted like one. */
const BUDGET_TERMS: LimitTerms = {
  scope: { kind: 'each', of: 'run' },
  unit: 'dollars',
  amount: 0,
  window: { kind: 'total', form: 'total' },
  onReached: { kind: 'stop' },
}

/** Runs belong to the key's team, else to the key: the same name elsewhere is another run. */
export function runOf({ team, key, run }: Caller): string | null {
  return run === null ? null : `${team === null ? `key:${key}` : `team:${team}`}\n${run}`
}

/** Finds the limits that bind a call, and their members. */
export class Bindings {
  readonly budgets: Members
  /** By scope: `team:search`, and `each:key` besides; limits of plans by plan and scope. */
  readonly #byScope = new Map<string, Members[]>()
  readonly #plans = new PlanIndex()
  readonly #remembered = new Map<string, Remembered>()
  #toArrange: ReadonlyMap<string, Members> | null = null
  #bindsUpstreams = false
  #bindsRuns = false

  constructor(now: EpochMs) {
    this.budgets = new Members(new Rule(BUDGET_TERMS, null, 0), now)
  }

  /** To be called when limits came or went. They are put in order when a call asks next, once for many changes. */
  arrange(limits: ReadonlyMap<string, Members>): void {
    this.#toArrange = limits
  }

  #arrange(limits: Iterable<Members>): void {
    this.#toArrange = null
    this.#byScope.clear()
    this.#bindsUpstreams = false
    this.#bindsRuns = false
    this.#plans.clear()
    for (const members of limits) {
      const { scope, terms } = members.rule
      const place = this.#plans.add(terms, scope)
      const list = this.#byScope.get(place)
      if (list === undefined) this.#byScope.set(place, [members])
      else list.push(members)
      if (terms.scope.kind === 'upstream') this.#bindsUpstreams = true
      if (terms.scope.kind === 'run' || scope === 'each:run') this.#bindsRuns = true
    }
    this.forget()
  }

  /** To be called when members were let go, since what is remembered might still name them. */
  forget(): void {
    this.#remembered.clear()
  }

  /** @param overflow plans of which the call goes to the overflow limits, instead of to what they include */
  find(call: LimitedCall, now: EpochMs, overflow = NO_PLANS): Binding {
    if (this.#toArrange !== null) this.#arrange(this.#toArrange.values())
    let binding = this.#standing(call, now, overflow)
    if (call.caller.run !== null) binding = this.#withRun(call, binding, { now, overflow })
    if (call.skip.length === 0) return binding
    return keep(binding, ({ rule: { id } }) => id === null || !call.skip.includes(id))
  }

  #standing(call: LimitedCall, now: EpochMs, overflow: readonly string[]): Binding {
    if (this.#byScope.size === 0) return NO_BINDING
    const { caller, model, upstreams } = call
    let known = this.#remembered.get(caller.key)
    if (known === undefined) {
      const { tags, team, user } = caller
      known = { tags, team, user, byModel: new Map() }
      if (this.#remembered.size >= MAX_CALLERS_REMEMBERED) this.#remembered.clear()
      this.#remembered.set(caller.key, known)
    } else if (known.tags !== caller.tags || known.team !== caller.team || known.user !== caller.user) {
      return this.#lookUp(call, now, overflow)
    }
    const place = overflow.length === 0 ? model : `${model}\n${overflow.join('\n')}`
    const found = known.byModel.get(place)
    if (found !== undefined && (found.upstreams === upstreams || !this.#bindsUpstreams)) return found.binding
    const binding = this.#lookUp(call, now, overflow)
    if (known.byModel.size >= MAX_MODELS_REMEMBERED) known.byModel.clear()
    known.byModel.set(place, { upstreams, binding })
    return binding
  }

  #lookUp({ caller, model, upstreams }: LimitedCall, now: EpochMs, overflow: readonly string[]): Binding {
    const scopes = scopesOf(caller)
    const members = this.#ofScopes(scopes, now)
    for (const plan of this.#plans.of(scopes)) {
      const binds = (terms: LimitTerms) => bindsCall(terms, model, overflow) && bindsCaller(terms, scopes)
      members.push(...this.#ofScopes(this.#plans.places(plan, [poolOf(plan), ...scopes]), now, binds))
    }
    this.#single(`model:${model}`, found => members.push(found), now)
    if (!this.#bindsUpstreams) return { members, upstreams: null }
    const names: (string | null)[] = members.map(() => null)
    for (const name of upstreams) {
      this.#single(`upstream:${name}`, found => members.push(found), now)
      while (names.length < members.length) names.push(name)
    }
    return { members, upstreams: names }
  }

  #ofScopes(scopes: readonly ScopeOfCaller[], now: EpochMs, binds = (_: LimitTerms) => true): MemberState[] {
    const found: MemberState[] = []
    for (const [scope, name] of scopes) {
      for (const members of this.#byScope.get(scope) ?? NO_MEMBERS) {
        if (binds(members.rule.terms)) found.push(members.get(name, now))
      }
    }
    return found
  }

  /** Limits that bind a caller, its run and the models and upstreams named, as they stand; nothing is made. */
  *peek(
    caller: Caller,
    also: { readonly models: readonly string[]; readonly upstreams: readonly string[] },
    now: EpochMs,
  ): Generator<MemberState> {
    if (this.#toArrange !== null) this.#arrange(this.#toArrange.values())
    const scopes = [
      ...scopesOf(caller),
      ...also.models.map(name => [`model:${name}`, ''] as const),
      ...also.upstreams.map(name => [`upstream:${name}`, ''] as const),
    ]
    const run = runOf(caller)
    if (run !== null) scopes.push(...scopesOfRun(caller.run!, run))
    const inPlans = this.#plans.of(scopes).flatMap(plan => this.#plans.places(plan, [poolOf(plan), ...scopes]))
    for (const [scope, name] of [...scopes, ...inPlans]) {
      for (const members of this.#byScope.get(scope) ?? NO_MEMBERS) {
        if (bindsCaller(members.rule.terms, scopes)) yield members.peek(name, now)
      }
    }
    if (run !== null && this.budgets.has(run)) yield this.budgets.peek(run, now)
  }

  #single(scope: string, found: (member: MemberState) => void, now: EpochMs): void {
    for (const members of this.#byScope.get(scope) ?? NO_MEMBERS) found(members.get('', now))
  }

  #withRun(
    { caller, runBudget, model }: LimitedCall,
    standing: Binding,
    { now, overflow }: { readonly now: EpochMs; readonly overflow: readonly string[] },
  ): Binding {
    const run = runOf(caller)!
    const members: MemberState[] = []
    if (this.#bindsRuns) {
      const scopes = scopesOfRun(caller.run!, run)
      members.push(...this.#ofScopes(scopes, now))
      const known = this.#plans.isEmpty ? [] : scopesOf(caller)
      for (const plan of this.#plans.of(known)) {
        const binds = (terms: LimitTerms) => bindsCall(terms, model, overflow) && bindsCaller(terms, known)
        members.push(...this.#ofScopes(this.#plans.places(plan, scopes), now, binds))
      }
    }
    let budget = this.budgets.find(run, now)
    if (budget === null && runBudget !== null)
      budget = this.budgets.make(run, Math.min(Number(runBudget), MAX_QUANTITY), now)
    if (budget !== null) members.push(budget)
    if (members.length === 0) return standing
    if (standing.upstreams === null) return { members: standing.members.concat(members), upstreams: null }
    return {
      members: standing.members.concat(members),
      upstreams: standing.upstreams.concat(members.map(() => null)),
    }
  }
}

function scopesOfRun(run: string, member: string): readonly ScopeOfCaller[] {
  return [
    [`run:${run}`, ''],
    ['each:run', member],
  ]
}

/** Every scope that a caller is in but for its run. */
function scopesOf({ key, team, user, tags }: Caller): ScopeOfCaller[] {
  const scopes: ScopeOfCaller[] = [['organisation', '']]
  const names: Readonly<Record<Exclude<EachOf, 'run'>, string | null>> = { key, team, user }
  for (const kind of EACH_OF) {
    if (kind === 'run') continue
    const name = names[kind]
    if (name !== null) scopes.push([`${kind}:${name}`, ''], [`each:${kind}`, name])
  }
  for (const tag in tags) scopes.push([`tag:${tag}=${tags[tag]}`, ''])
  return scopes
}

function keep({ members, upstreams }: Binding, stays: (member: MemberState, place: number) => boolean): Binding {
  return {
    members: members.filter(stays),
    upstreams: upstreams === null ? null : upstreams.filter((_, i) => stays(members[i]!, i)),
  }
}

/** The same without what binds upstreams that a call won't be sent to. */
export function withoutUpstreams(binding: Binding, excluded: readonly string[]): Binding {
  const { upstreams } = binding
  if (upstreams === null || excluded.length === 0) return binding
  return keep(binding, (_, i) => upstreams[i] === null || !excluded.includes(upstreams[i]!))
}
