import type { EpochMs } from '../../units/time.ts'
import type { Caller } from '../../vocabulary/caller.ts'
import { EACH_OF, type EachOf, type LimitTerms, MAX_QUANTITY } from '../../vocabulary/limit.ts'
import type { LimitedCall } from '../../vocabulary/limited-call.ts'
import type { Binding } from './hold.ts'
import { Members } from './members.ts'
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
  /** By scope: `team:search`, and `each:key` besides. */
  readonly #byScope = new Map<string, Members[]>()
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
    for (const members of limits) {
      const { scope, terms } = members.rule
      const list = this.#byScope.get(scope)
      if (list === undefined) this.#byScope.set(scope, [members])
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

  find(call: LimitedCall, now: EpochMs): Binding {
    if (this.#toArrange !== null) this.#arrange(this.#toArrange.values())
    let binding = this.#standing(call, now)
    if (call.caller.run !== null) binding = this.#withRun(call, binding, now)
    if (call.skip.length === 0) return binding
    return keep(binding, ({ rule: { id } }) => id === null || !call.skip.includes(id))
  }

  #standing(call: LimitedCall, now: EpochMs): Binding {
    if (this.#byScope.size === 0) return NO_BINDING
    const { caller, model, upstreams } = call
    let known = this.#remembered.get(caller.key)
    if (known === undefined) {
      const { tags, team, user } = caller
      known = { tags, team, user, byModel: new Map() }
      if (this.#remembered.size >= MAX_CALLERS_REMEMBERED) this.#remembered.clear()
      this.#remembered.set(caller.key, known)
    } else if (known.tags !== caller.tags || known.team !== caller.team || known.user !== caller.user) {
      return this.#lookUp(call, now)
    }
    const found = known.byModel.get(model)
    if (found !== undefined && (found.upstreams === upstreams || !this.#bindsUpstreams)) return found.binding
    const binding = this.#lookUp(call, now)
    if (known.byModel.size >= MAX_MODELS_REMEMBERED) known.byModel.clear()
    known.byModel.set(model, { upstreams, binding })
    return binding
  }

  #lookUp({ caller, model, upstreams }: LimitedCall, now: EpochMs): Binding {
    const members: MemberState[] = []
    this.#ofCaller(caller, found => members.push(found), now)
    this.#single(`model:${model}`, found => members.push(found), now)
    if (!this.#bindsUpstreams) return { members, upstreams: null }
    const names: (string | null)[] = members.map(() => null)
    for (const name of upstreams) {
      this.#single(`upstream:${name}`, found => members.push(found), now)
      while (names.length < members.length) names.push(name)
    }
    return { members, upstreams: names }
  }

  #ofCaller(caller: Caller, found: (member: MemberState) => void, now: EpochMs): void {
    for (const [scope, name] of scopesOf(caller)) {
      for (const members of this.#byScope.get(scope) ?? NO_MEMBERS) found(members.get(name, now))
    }
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
    if (run !== null) scopes.push([`run:${caller.run}`, ''], ['each:run', run])
    for (const [scope, name] of scopes) {
      for (const members of this.#byScope.get(scope) ?? NO_MEMBERS) yield members.peek(name, now)
    }
    if (run !== null && this.budgets.has(run)) yield this.budgets.peek(run, now)
  }

  #single(scope: string, found: (member: MemberState) => void, now: EpochMs): void {
    for (const members of this.#byScope.get(scope) ?? NO_MEMBERS) found(members.get('', now))
  }

  #withRun({ caller, runBudget }: LimitedCall, standing: Binding, now: EpochMs): Binding {
    const run = runOf(caller)!
    const members: MemberState[] = []
    if (this.#bindsRuns) {
      this.#single(`run:${caller.run}`, found => members.push(found), now)
      for (const each of this.#byScope.get('each:run') ?? NO_MEMBERS) members.push(each.get(run, now))
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

/** Every scope that a caller is in but for its run, each with the name of the member that it is there. */
function scopesOf({ key, team, user, tags }: Caller): (readonly [scope: string, member: string])[] {
  const scopes: (readonly [string, string])[] = [['organisation', '']]
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
