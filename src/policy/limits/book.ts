import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Caller } from '../../vocabulary/caller.ts'
import type { Balance, CoveringBalance, Limit, LimitView, Quantity } from '../../vocabulary/limit.ts'
import type { ActualAmounts, Amounts, LimitedCall, Need } from '../../vocabulary/limited-call.ts'
import { withoutUpstreams } from './bindings.ts'
import { DOLLARS, needOf, priced, UNPRICED, usedOf } from './call.ts'
import { type Course, findMore, judgeCourse } from './course.ts'
import type { Decision, Posting, Queued, Woken } from './decision.ts'
import { type Binding, countOf, Hold, type HoldOf, overrunOf, plainly, settleHold, type Use, voidHold } from './hold.ts'
import { hasRoom } from './judge.ts'
import { type Chosen, Needs } from './need.ts'
import { NO_PLANS } from './plans.ts'
import { WaitingCalls } from './queue.ts'
import { capRefusal, refusalOf, tightest, tightestSliding } from './refusal.ts'
import { LimitRegistry, type MemberGrants, type RegistrySize, type ViewScope } from './registry.ts'
import { type LeasedSlice, sizeSlice } from './slice.ts'
import type { MemberState } from './state.ts'
import type { Ticket } from './ticket.ts'

/** Behind all that wait. */
const NEWCOMER = Number.POSITIVE_INFINITY
const NO_WARNINGS: readonly LimitView[] = []
const WITHIN: Posting = { overrun: null }

/** A call before its judge. */
interface Case {
  readonly call: LimitedCall
  /** What it has to be held for, by the limits that it would be bound by. */
  readonly choose: (binding: Binding) => Chosen
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
  readonly #needs = new Needs(() => this.#registry.isAnyBurning)
  readonly #waiting = new WaitingCalls()
  #changed: MemberState[] = []
  #now: EpochMs

  constructor(now: EpochMs) {
    this.#now = Math.floor(now)
    this.#registry = new LimitRegistry(this.#now)
  }

  /** Adds a limit, or changes the amount of one and what happens when it is reached, keeping its use. Then ask `wake`. */
  put(limit: Limit, now: EpochMs): void {
    for (const member of this.#registry.put(limit, this.#tick(now))) this.#touch(member)
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
    const binding = this.#registry.bindings.find(call, time)
    if (call.runBudget !== null) this.#keepBudget(binding)
    const { needs } = this.#needs.choose(need, binding.members, time)
    if (call.maxDollars === null && hasRoom(binding.members, needs, time)) {
      return {
        kind: 'admit',
        hold: this.#hold(binding, needs, plainly(call)),
        warnings: NO_WARNINGS,
        overflow: NO_PLANS,
      }
    }
    const worstDollars = needOf(need.worst)[DOLLARS]!
    const asked: Case = {
      call,
      choose: bound => this.#needs.choose(need, bound.members, time),
      arrival: NEWCOMER,
      worstDollars,
    }
    return this.#conclude(asked, this.#course(asked))
  }

  /** The first call that names a budget fixes it, even if it is refused: it is to be kept though nothing is used. */
  #keepBudget({ members }: Binding): void {
    const last = members.at(-1)
    if (last !== undefined && last.rule.id === null) this.#touch(last)
  }

  #course({ call, choose, arrival }: Case): Course {
    const find = (overflow: readonly string[]) => this.#registry.bindings.find(call, this.#now, overflow)
    return judgeCourse({ call, find, choose, arrival, now: this.#now })
  }

  #conclude({ call, arrival, worstDollars }: Case, course: Course): Decision {
    const { verdict, overflow, needs, blocked } = course
    if (verdict.kind === 'downgrade') {
      const { model, member } = verdict
      const skip = member.rule.id === null ? call.skip : [...call.skip, member.rule.id]
      return { kind: 'downgrade', model, skip, limit: member.view() }
    }
    if (verdict.kind === 'unpriced') return refusalOf(verdict.blocked, needs, this.#now, true)
    const cap = call.maxDollars === null ? UNPRICED : Number(call.maxDollars)
    if (worstDollars > cap) return capRefusal(cap, worstDollars)
    if (verdict.kind === 'stop' || (verdict.kind === 'queue' && arrival === NEWCOMER && this.#waiting.isFull)) {
      return refusalOf(blocked.members, blocked.needs, this.#now)
    }
    if (verdict.kind === 'queue') return this.#queue(call, course)
    const hold = this.#hold(verdict.binding, needs, { call, excluded: verdict.excluded, overflow })
    return { kind: 'admit', hold, warnings: verdict.warnings.map(member => member.view()), overflow }
  }

  #queue(call: LimitedCall, { needs, amounts, blocked }: Course): Queued {
    const member = tightest(blocked.members, needs)
    const { onReached } = member.rule.terms
    const waitMs: DurationMs = onReached.kind === 'queue' ? onReached.waitMs : 0
    const arrival = this.#waiting.nextArrival()
    const deadline = Math.min(this.#now + waitMs, call.deadlineAt ?? Number.POSITIVE_INFINITY)
    const ticket: Ticket = { call, need: needs, amounts, arrival, deadline, member: null }
    this.#waiting.add(ticket, member)
    return { kind: 'queue', ticket, limit: member.view() }
  }

  #hold(binding: Binding, needs: readonly Quantity[], of: HoldOf): Hold {
    const now = this.#now
    const amounts = priced(needs)
    const { members } = binding
    for (let i = 0; i < members.length; i++) {
      const member = members[i]!
      member.hold(now, amounts[member.unit]!)
    }
    return new Hold(this, binding, amounts, now, of)
  }

  /** Members that have no room for a call or that others wait for, without deciding it: none when it would start at once. */
  withoutRoom(call: LimitedCall, need: Need, now: EpochMs): readonly MemberState[] {
    const time = this.#tick(now)
    const { members } = this.#registry.bindings.find(call, time)
    const { needs } = this.#needs.choose(need, members, time)
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
    return { hold: this.#hold(binding, rest, plainly(call)), rest, until: size.until }
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
    return new Hold(this, hold.binding, amounts, to, hold)
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
    const find = (overflow: readonly string[]) =>
      withoutUpstreams(this.#registry.bindings.find(hold.call, time, overflow), hold.excluded)
    const part = findMore(hold, { find, needAt: members => this.#needs.ofMore(more, members), now: time })
    if (part === null) return false
    const amounts = priced(part.amounts)
    for (const member of part.binding.members) member.hold(time, amounts[member.unit]!)
    hold.extensions ??= []
    hold.extensions.push({ ...part, amounts })
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
    const byUnit = usedOf(actual, hold.held(DOLLARS))
    hold.resolved = true
    settleHold(hold, { actual, byUnit }, time)
    for (const member of hold.binding.members) this.#touch(member)
    if (hold.extensions !== null) {
      for (const { binding } of hold.extensions) for (const member of binding.members) this.#touch(member)
    }
    const overrun = overrunOf(hold, byUnit)
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
    voidHold(hold, time)
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
      const { call, amounts, arrival } = first
      const choose = ({ members }: Binding) => ({ needs: this.#needs.of(amounts, members), amounts })
      // Its cap was asked for when it came.
      const asked: Case = { call, choose, arrival, worstDollars: 0 }
      const course = this.#course(asked)
      if (course.verdict.kind === 'queue') {
        if (course.blocked.members.includes(member)) return
        this.#waiting.remove(first)
        first.need = course.needs
        this.#waiting.add(first, tightest(course.blocked.members, course.needs))
        continue
      }
      this.#waiting.remove(first)
      const decision = this.#conclude(asked, course)
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
    return tightestSliding(hold.binding.members, time)?.view() ?? null
  }

  /** The grants that make up a limit, of each member that has taken something of it, in the order of draw-down. */
  grants(id: string, now: EpochMs): Generator<MemberGrants> {
    return this.#registry.grants(id, this.#tick(now))
  }

  /**
   * Balances that changed since they were last taken, of limits that are there: one that was taken away and made again
   * has the same id. Absolute: written twice, they say the same.
   */
  changes(): readonly Balance[] {
    const changed = this.#changed
    this.#changed = []
    for (const member of changed) member.changed = false
    return changed.filter(({ rule }) => this.#registry.has(rule)).flatMap(member => member.balances())
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
  recount(call: LimitedCall, use: Use, number: number): void {
    const { at, opened, plan } = use
    const time = this.#tick(at)
    const { members, upstreams } = this.#registry.bindings.find(call, time, plan?.overflow)
    members.forEach((member, i) => {
      const { rule, coveredUpTo } = member
      if (rule.createdAt > at || number <= coveredUpTo) return
      const id = rule.id ?? ''
      const used = countOf(use, member, upstreams?.[i] ?? null)
      member.recount(at, { number, used, opened: opened[id] ?? null, draws: plan?.drawn[id] ?? null }, time)
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
