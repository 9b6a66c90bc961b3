import type { EpochMs } from '../../units/time.ts'
import type { Caller } from '../../vocabulary/caller.ts'
import { type Balance, type CoveringBalance, LIMIT_UNITS, type Limit, type LimitView } from '../../vocabulary/limit.ts'
import type { GrantView } from '../../vocabulary/plan-grant.ts'
import { Bindings } from './bindings.ts'
import { Members } from './members.ts'
import { Rule } from './rule.ts'
import type { MemberState } from './state.ts'

/** Limits to be shown besides those that bind a caller whatever it calls. */
export interface ViewScope {
  readonly models?: readonly string[]
  readonly upstreams?: readonly string[]
}

/** What is in memory. */
export interface RegistrySize {
  readonly members: number
  /** Runs at rest, in little memory. */
  readonly resting: number
}

const NONE: readonly MemberState[] = []

/** What became of the grants of one member. */
export interface MemberGrants {
  readonly scope: string
  readonly grants: readonly GrantView[]
}

function* membersOf(members: Members, now: EpochMs): Generator<MemberState> {
  if (members.rule.terms.scope.kind !== 'each') yield members.peek('', now)
  else {
    for (const member of members.values()) {
      if (now >= member.endsAt) member.roll(now)
      yield member
    }
  }
}

/** All limits and the state of their members. Knows no time of its own. */
export class LimitRegistry {
  readonly bindings: Bindings
  readonly #limits = new Map<string, Members>()
  #burning = 0

  constructor(now: EpochMs) {
    this.bindings = new Bindings(now)
  }

  /**
   * Adds a limit, or changes the amount of one and what happens when it is reached, keeping its use.
   *
   * @returns members of which something is to be kept on disk though nothing was used: an amount that was paid for
   */
  put(limit: Limit, now: EpochMs): readonly MemberState[] {
    const known = this.#limits.get(limit.id)
    if (known === undefined) {
      const place = limit.burn === undefined ? null : LIMIT_UNITS.length + this.#burning++
      this.#limits.set(limit.id, new Members(Rule.of(limit, place), now))
    } else known.change(limit, now)
    this.bindings.arrange(this.#limits)
    if (limit.lowersNextPeriod) this.#limits.get(limit.id)!.get('', now)
    return limit.lowersNextPeriod || limit.grants ? [...this.#limits.get(limit.id)!.values()] : NONE
  }

  /** Whether any limit is burnt at rates of its own. */
  get isAnyBurning(): boolean {
    return this.#burning > 0
  }

  /**
   * Takes a limit away with all its use. Calls that wait for it are free to go: ask `wake`.
   *
   * @returns false when there is no such limit
   */
  remove(id: string): boolean {
    if (!this.#limits.delete(id)) return false
    this.bindings.arrange(this.#limits)
    return true
  }

  /** Whether a limit is still there, and not another one of its id. */
  has(rule: Rule): boolean {
    return rule.id === null || this.#limits.get(rule.id)?.rule === rule
  }

  /** Every limit that binds a caller, with the run it names; those of models and upstreams where they are asked for. */
  view(caller: Caller, now: EpochMs, { models = [], upstreams = [] }: ViewScope = {}): readonly LimitView[] {
    return [...this.bindings.peek(caller, { models, upstreams }, now)].map(member => member.view())
  }

  /** A limit with all members that have taken something of it, budgets of runs with `null`. */
  *members(id: string | null, now: EpochMs): Generator<LimitView> {
    const members = id === null ? this.bindings.budgets : this.#limits.get(id)
    if (members === undefined) return
    for (const member of membersOf(members, now)) yield member.view()
  }

  /** The grants that make up a limit, of each member that has taken something of it, in the order of draw-down. */
  *grants(id: string, now: EpochMs): Generator<MemberGrants> {
    const members = this.#limits.get(id)
    if (members === undefined) return
    for (const member of membersOf(members, now)) yield { scope: member.scope, grants: member.grants() }
  }

  /** All that is used, nothing that is held: what is held dies with the calls. */
  *snapshot(): Generator<Balance> {
    for (const members of this.#limits.values()) yield* members.balances()
    yield* this.bindings.budgets.balances()
  }

  /**
   * Takes balances up again, of limits that are still there.
   *
   * @param firstUse number of the first use that is going to be recounted; infinite for none
   */
  restore(balances: Iterable<CoveringBalance>, firstUse: number, now: EpochMs): void {
    for (const kept of balances) {
      const { limit } = kept.balance
      const members = limit === null ? this.bindings.budgets : this.#limits.get(limit)
      members?.restore(kept, kept.asOf >= firstUse, now)
    }
  }

  /**
   * Forgets members of `each:` limits that have taken nothing. To be called now and then; runs need no call.
   *
   * @param steps how many members to look at, of each limit
   */
  sweep(now: EpochMs, steps: number): number {
    let gone = this.bindings.budgets.sweep(now, steps)
    for (const members of this.#limits.values()) gone += members.sweep(now, steps)
    if (gone > 0) this.bindings.forget()
    return gone
  }

  get size(): RegistrySize {
    let { size: members, resting } = this.bindings.budgets
    for (const each of this.#limits.values()) {
      members += each.size
      resting += each.resting
    }
    return { members, resting }
  }
}
