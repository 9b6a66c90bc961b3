import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Caller } from '../../vocabulary/caller.ts'
import type { Balance, CoveringBalance, Limit, LimitView, Quantity } from '../../vocabulary/limit.ts'
import type { ActualAmounts, Amounts, LimitedCall, Need } from '../../vocabulary/limited-call.ts'
import { DOLLARS, moreOf, needOf, UNPRICED, usedOf } from './call.ts'
import type { Decision, Posting, Queued, Woken } from './decision.ts'
import { type Binding, Hold, overrunOf, settleMember, type Use, usedAt } from './hold.ts'
import { hasRoom, judge, mayExtend } from './judge.ts'
import { chooseNeeds } from './need.ts'
import { WaitingCalls } from './queue.ts'
import { capRefusal, refusalOf, tightest } from './refusal.ts'
import { LimitRegistry, type RegistrySize, type ViewScope } from './registry.ts'
import { sizeSlice } from './slice.ts'
import type { MemberState } from './state.ts'
import type { Ticket } from './ticket.ts'

/** Behind all that wait. */
const NEWCOMER = Number.POSITIVE_INFINITY
const NO_WARNINGS: readonly LimitView[] = []
const NO_UPSTREAMS: readonly string[] = []
const WITHIN: Posting = { overrun: null }

/** What is held for a lessee; given back by `void`. */
export interface LeasedSlice {
  readonly hold: Hold
  /** What is left of it, by unit: the amounts of its hold. */
  readonly rest: Quantity[]
  readonly until: EpochMs
}

/** A call before its judge. */
interface Case {
  readonly binding: Binding
  readonly arrival: number
  /** The most that it may cost, whatever is held of it; zero where its own cap was asked for already. */
  readonly worstDollars: Quantity
}

/**
 * All limits and how much of them is taken. One call decides over every limit that binds a caller and holds in all of
 * them, or in none; later the hold is posted, extended or voided. Everything happens within one turn of the caller's
 * thread, so that no two decisions see the same room.
 *
 * Time that is set back stands still here until it has caught up: no window closes twice, none reopens.
 */
export class LimitBook {
  readonly #registry: LimitRegistry
  readonly #waiting = new WaitingCalls()
  #changed: MemberState[] = []
  #now: EpochMs

  constructor(now: EpochMs) {
    this.#now = Math.floor(now)
    this.#registry = new LimitRegistry(this.#now)
  }

  /** Adds a limit, or changes the amount of one and what happens when it is reached, keeping its use. Then ask `wake`. */
  put(limit: Limit, now: EpochMs): void {
    this.#registry.put(limit, this.#tick(now))
  }

  /**
   * Takes a limit away with all its use. Then ask `wake`: calls that waited for it are free.
   *
   * @returns false when there is no such limit
   */
  remove(id: string): boolean {
    return this.#registry.remove(id)
  }

  /**
   * Decides whether a call may start, over all limits that bind it, and holds what it may use.
   *
   * @param need what it may use at most, and what it will probably use where that can be held first
   * @param now time in milliseconds; one before an earlier one counts as that
   */
  decide(call: LimitedCall, need: Need, now: EpochMs): Decision {
    const time = this.#tick(now)
    const worst = needOf(need.worst)
    const binding = this.#registry.bindings.find(call, time)
    if (call.runBudget !== null) this.#keepBudget(binding)
    const needs = need.expected === null ? worst : chooseNeeds(binding.members, { worst, need, now: time })
    if (call.maxDollars === null && hasRoom(binding.members, needs, time)) {
      return { kind: 'admit', hold: this.#hold(binding, needs, NO_UPSTREAMS), warnings: NO_WARNINGS }
    }
    return this.#judge(call, needs, { binding, arrival: NEWCOMER, worstDollars: worst[DOLLARS]! })
  }

  /** The first call that names a budget fixes it, even if it is refused: it is to be kept though nothing is used. */
  #keepBudget({ members }: Binding): void {
    const last = members.at(-1)
    if (last !== undefined && last.rule.id === null) this.#touch(last)
  }

  #judge(call: LimitedCall, needs: readonly Quantity[], { binding, arrival, worstDollars }: Case): Decision {
    for (const member of binding.members) if (this.#now >= member.endsAt) member.roll(this.#now)
    const verdict = judge(binding, { needs, upstreams: call.upstreams, arrival })
    if (verdict.kind === 'downgrade') {
      const { model, member } = verdict
      const skip = member.rule.id === null ? call.skip : [...call.skip, member.rule.id]
      return { kind: 'downgrade', model, skip, limit: member.view() }
    }
    if (verdict.kind === 'unpriced') return refusalOf(verdict.blocked, needs, this.#now, true)
    const cap = call.maxDollars === null ? UNPRICED : Number(call.maxDollars)
    if (worstDollars > cap) return capRefusal(cap, worstDollars)
    if (verdict.kind === 'stop' || (verdict.kind === 'queue' && arrival === NEWCOMER && this.#waiting.isFull)) {
      return refusalOf(verdict.blocked, needs, this.#now)
    }
    if (verdict.kind === 'queue') return this.#queue(call, needs, verdict.blocked)
    const hold = this.#hold(verdict.binding, needs, verdict.excluded)
    return { kind: 'admit', hold, warnings: verdict.warnings.map(member => member.view()) }
  }

  #queue(call: LimitedCall, needs: readonly Quantity[], blocked: readonly MemberState[]): Queued {
    const member = tightest(blocked, needs)
    const { onReached } = member.rule.terms
    const waitMs: DurationMs = onReached.kind === 'queue' ? onReached.waitMs : 0
    const arrival = this.#waiting.nextArrival()
    const ticket: Ticket = { call, need: needs, arrival, deadline: this.#now + waitMs, member: null }
    this.#waiting.add(ticket, member)
    return { kind: 'queue', ticket, limit: member.view() }
  }

  #hold(binding: Binding, needs: readonly Quantity[], excluded: readonly string[]): Hold {
    const now = this.#now
    // Only limits that warn admit a call without a price, and they can't count what nobody knows.
    const amounts = needs[DOLLARS] === UNPRICED ? [0, ...needs.slice(1)] : needs
    const { members } = binding
    for (let i = 0; i < members.length; i++) {
      const member = members[i]!
      member.hold(now, amounts[member.unit]!)
    }
    return new Hold(this, binding, amounts, now, excluded)
  }

  /** Members that have no room for a call or that others wait for, without deciding it: none when it would start at once. */
  withoutRoom(call: LimitedCall, need: Need, now: EpochMs): readonly MemberState[] {
    const time = this.#tick(now)
    const worst = needOf(need.worst)
    const { members } = this.#registry.bindings.find(call, time)
    const needs = need.expected === null ? worst : chooseNeeds(members, { worst, need, now: time })
    return hasRoom(members, needs, time) ? [] : members.filter(member => !hasRoom([member], needs, time))
  }

  /**
   * Holds several calls' worth at once for a lessee that decides over calls like this one by itself.
   *
   * @param lessees how many share the limits
   * @returns `unbound` where nothing binds such calls; null where room is too scarce to be set aside
   */
  slice(call: LimitedCall, need: Need, lessees: number, now: EpochMs): LeasedSlice | 'unbound' | null {
    const time = this.#tick(now)
    const binding = this.#registry.bindings.find(call, time)
    if (binding.members.length === 0) return 'unbound'
    const size = sizeSlice(binding, needOf(need.worst), { lessees, now: time })
    if (size === null) return null
    const rest = [...size.amounts]
    return { hold: this.#hold(binding, rest, NO_UPSTREAMS), rest, until: size.until }
  }

  /**
   * Makes a call that a lessee admitted out of its slice a hold of its own.
   *
   * @param at when it was admitted: what it uses counts then
   */
  carve(slice: LeasedSlice, amounts: readonly Quantity[], at: EpochMs): Hold {
    const { hold, rest } = slice
    this.#own(hold)
    const from = hold.at
    const time = this.#tick(at)
    const to = Math.max(from, Math.min(Math.floor(at), time))
    amounts.forEach((amount, unit) => {
      rest[unit]! -= amount
    })
    for (const member of hold.binding.members) {
      if (time >= member.endsAt) member.roll(time)
      member.carve(from, to, amounts[member.unit]!)
    }
    return new Hold(this, hold.binding, amounts, to, NO_UPSTREAMS)
  }

  /**
   * Adds to the hold of a call that runs, in all its limits or in none.
   *
   * @returns false when one that does not only warn has no room: the call must end
   * @throws RangeError when the hold is not this book's or resolved already
   */
  extend(hold: Hold, more: Amounts, now: EpochMs): boolean {
    this.#own(hold)
    const time = this.#tick(now)
    const amounts = moreOf(more)
    const { members } = hold.binding
    if (!mayExtend(members, amounts, time)) return false
    if (amounts[DOLLARS] === UNPRICED) amounts[DOLLARS] = 0
    for (const member of members) member.extend(time, amounts[member.unit]!)
    hold.extensions ??= []
    hold.extensions.push({ at: time, amounts })
    return true
  }

  /**
   * Ends a hold by what was used. All of it counts, beyond the hold too.
   *
   * @throws RangeError when the hold is not this book's or resolved already
   */
  post(hold: Hold, actual: ActualAmounts, now: EpochMs): Posting {
    this.#own(hold)
    const time = this.#tick(now)
    const used = usedOf(actual, hold.held(DOLLARS))
    hold.resolved = true
    const { members, upstreams } = hold.binding
    for (let i = 0; i < members.length; i++) {
      const member = members[i]!
      if (time >= member.endsAt) member.roll(time)
      settleMember(hold, member, upstreams === null ? used[member.unit]! : usedAt(hold, i, actual, used))
      this.#touch(member)
    }
    const overrun = overrunOf(hold, used)
    return overrun === null ? WITHIN : { overrun }
  }

  /**
   * Gives all of a hold back, its request too.
   *
   * @throws RangeError when the hold is not this book's or resolved already
   */
  void(hold: Hold, now: EpochMs): void {
    this.#own(hold)
    const time = this.#tick(now)
    hold.resolved = true
    for (const member of hold.binding.members) {
      if (time >= member.endsAt) member.roll(time)
      settleMember(hold, member, 0)
      member.closeIfUnused()
    }
  }

  /** Whether any call waits: then ask `wake` after each post and void. */
  get isAnyWaiting(): boolean {
    return this.#waiting.size > 0
  }

  /** When time alone may let a call go on that has just begun to wait, or has made it wait long enough. */
  wakesAt({ member, need, deadline }: Ticket): EpochMs {
    return Math.min(deadline, member?.fitsAt(need[member.unit]!) ?? deadline)
  }

  /** When to ask `wake` even if nothing was posted or voided; null when no call waits. */
  get nextWakeAt(): EpochMs | null {
    return this.#waiting.nextAt()
  }

  /** Lets calls that wait go on, in order of arrival, as far as there is room; refuses those that waited long enough. */
  wake(now: EpochMs): readonly Woken[] {
    if (this.#waiting.size === 0) return []
    const time = this.#tick(now)
    const woken: Woken[] = []
    let before: number
    do {
      before = woken.length
      for (const member of this.#waiting.members()) this.#wakeAt(member, woken)
    } while (woken.length > before)
    for (const ticket of this.#waiting.overdue(time)) {
      const { member, need } = ticket
      this.#waiting.remove(ticket)
      woken.push({ ticket, decision: refusalOf([member!], need, time) })
    }
    return woken
  }

  /** Asks for those that wait at one member, until the first has to go on waiting there. */
  #wakeAt(member: MemberState, woken: Woken[]): void {
    for (let first = this.#waiting.first(member); first !== null; first = this.#waiting.first(member)) {
      const { call, need, arrival } = first
      const binding = this.#registry.bindings.find(call, this.#now)
      for (const bound of binding.members) if (this.#now >= bound.endsAt) bound.roll(this.#now)
      const verdict = judge(binding, { needs: need, upstreams: call.upstreams, arrival })
      if (verdict.kind === 'queue') {
        if (verdict.blocked.includes(member)) return
        this.#waiting.remove(first)
        this.#waiting.add(first, tightest(verdict.blocked, need))
        continue
      }
      this.#waiting.remove(first)
      // Its cap was asked for when it came.
      const decision = this.#judge(call, need, { binding, arrival, worstDollars: 0 })
      if (decision.kind !== 'queue') woken.push({ ticket: first, decision })
    }
  }

  /** @returns false when the call waits no more */
  leave(ticket: Ticket): boolean {
    return this.#waiting.remove(ticket)
  }

  /** Every limit that binds a caller, with the run it names; those of models and upstreams where they are asked for. */
  view(caller: Caller, now: EpochMs, also?: ViewScope): readonly LimitView[] {
    return this.#registry.view(caller, this.#tick(now), also)
  }

  /** A limit with all members that have taken something of it; the budgets of runs for null. */
  members(id: string | null, now: EpochMs): Generator<LimitView> {
    return this.#registry.members(id, this.#tick(now))
  }

  /** The sliding limit with the least room of those that bind a call; for the dialects' rate-limit headers. */
  tightestSliding(hold: Hold, now: EpochMs): LimitView | null {
    const time = this.#tick(now)
    let least: MemberState | null = null
    let room = Number.POSITIVE_INFINITY
    for (const member of hold.binding.members) {
      if (member.rule.clock.passing !== 'sliding') continue
      if (time >= member.endsAt) member.roll(time)
      const share = (member.amount - member.used - member.held) / Math.max(1, member.amount)
      if (share < room) {
        room = share
        least = member
      }
    }
    return least === null ? null : least.view()
  }

  /**
   * Balances that changed since they were last taken, of limits that are there: one that was taken away and made again
   * has the same id. Absolute: written twice, they say the same.
   */
  changes(): readonly Balance[] {
    const changed = this.#changed
    this.#changed = []
    for (const member of changed) member.changed = false
    return changed.filter(({ rule }) => this.#registry.has(rule)).map(member => member.balance())
  }

  /** All that is used, nothing that is held: what is held dies with the calls. */
  snapshot(): Generator<Balance> {
    return this.#registry.snapshot()
  }

  /**
   * Takes balances up again, of limits that are there.
   *
   * @param balances each with the number of the last use that it covers
   * @param firstUse number of the first use that is going to be recounted; infinite for none
   */
  restore(balances: Iterable<CoveringBalance>, firstUse: number, now: EpochMs): void {
    this.#registry.restore(balances, firstUse, this.#tick(now))
  }

  /**
   * Counts a use as it was counted when it was posted, at each member whose balance does not cover it. To be asked for in
   * the order of time, before anything is decided.
   */
  recount(call: LimitedCall, { at, amounts, byUpstream, opened }: Use, number: number): void {
    const time = this.#tick(at)
    const { members, upstreams } = this.#registry.bindings.find(call, time)
    members.forEach((member, i) => {
      if (member.rule.createdAt > at || number <= member.coveredUpTo) return
      const upstream = upstreams?.[i] ?? null
      const used = upstream === null || byUpstream === null ? amounts : byUpstream[upstream]
      member.recount(at, used?.[member.unit] ?? 0, time, opened[member.rule.id ?? ''] ?? null)
      this.#touch(member)
    })
  }

  #touch(member: MemberState): void {
    if (member.changed) return
    member.changed = true
    this.#changed.push(member)
  }

  /**
   * Forgets members of `each:` limits that have taken nothing. To be called now and then; runs need no call.
   *
   * @param steps how many members to look at, of each limit
   */
  sweep(now: EpochMs, steps: number): number {
    return this.#registry.sweep(this.#tick(now), steps)
  }

  /** What is in memory; for metrics. */
  get size(): RegistrySize & { readonly waiting: number } {
    return { ...this.#registry.size, waiting: this.#waiting.size }
  }

  #tick(now: EpochMs): EpochMs {
    if (now > this.#now) this.#now = Math.floor(now)
    return this.#now
  }

  #own(hold: Hold): void {
    if (hold.owner !== this) throw new RangeError('this hold was made elsewhere')
    if (hold.resolved) throw new RangeError('this hold is resolved already')
  }
}
