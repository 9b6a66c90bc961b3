import type { EpochMs } from '../../units/time.ts'
import { type Balance, type LimitTerms, type LimitView, MAX_QUANTITY, type Quantity } from '../../vocabulary/limit.ts'
import type { GrantView } from '../../vocabulary/plan-grant.ts'
import { RUN_MEMORY_MS } from './attic.ts'
import { type Draw, GrantPool } from './grants.ts'
import type { Rule } from './rule.ts'
import { forget, hold, insert, leavesAt, logOf, moveHeld, type SlidingLog, settle, usesOf } from './sliding.ts'

/** No call waits. */
export const NOBODY = -1

const NEVER = Number.POSITIVE_INFINITY
const ALWAYS = Number.NEGATIVE_INFINITY

/** Nothing else is taken while a call is counted, so one will do for all. */
const gone = { used: 0, held: 0 }

const NO_GRANTS: readonly GrantView[] = []

/** Use as it is counted again. */
export interface Recounted {
  readonly number: number
  readonly used: Quantity
  /** When the anchored window that it counts in had opened; null for none. */
  readonly opened: EpochMs | null
  /** What it drew of grants; null for none. */
  readonly draws: readonly Draw[] | null
}

/**
 * How much of a limit one member has taken in the present window. What a call takes counts at the moment when it is
 * held: posted after that window is over, it counts in no later one.
 *
 * Before anything is asked of a member at some time, `roll` must have been called if `endsAt` has come.
 */
export class MemberState {
  readonly rule: Rule
  /** `ci` of `each:key`; empty for a limit that has but one member. */
  readonly name: string
  /** Copied from the rule, since every decision reads it. */
  readonly unit: number
  amount: Quantity
  used: Quantity = 0
  held: Quantity = 0
  /** Use before then is over. Of a total: when it was held from last. */
  opensAt: EpochMs
  /** When `roll` has something to do. */
  endsAt: EpochMs
  /** Holds that are neither posted nor voided. */
  open = 0
  /** Uses up to this number are counted already by the balance that was taken up; zero for none. */
  coveredUpTo = 0
  /** Changed since the balances were last taken. */
  changed = false
  /** Place of the first call that waits for room here, in order of arrival; below zero when none does. */
  firstWaiting = NOBODY
  #log: SlidingLog | null
  readonly #grants: GrantPool | null

  constructor(rule: Rule, name: string, amount: Quantity, now: EpochMs) {
    this.rule = rule
    this.name = name
    this.unit = rule.unit
    this.amount = amount
    const { passing } = rule.clock
    this.#log = passing === 'sliding' ? [] : null
    const period = rule.clock.periodAt(now)
    this.opensAt = passing === 'anchored' ? NEVER : period.start
    this.endsAt = period.end
    this.#grants = rule.terms.grants === undefined ? null : new GrantPool(rule.terms.grants, now)
    this.#count()
  }

  /** Takes amount and use from the grants. */
  #count(): void {
    if (this.#grants === null) return
    this.amount = this.#grants.amount
    this.used = this.#grants.used
    this.endsAt = this.#grants.changesAt()
  }

  /** Takes the amount of new terms; what is used stays. To be called after `roll`. */
  change({ amount, grants, lowersNextPeriod }: LimitTerms, now: EpochMs): void {
    if (this.#grants !== null) {
      this.#grants.change(grants ?? [], now, this.held)
      this.#count()
    } else if (!lowersNextPeriod || amount > this.amount) this.amount = amount
  }

  /** Lets go what is over at a time that is not before `endsAt`. */
  roll(now: EpochMs): void {
    const { clock, terms } = this.rule
    if (this.#grants !== null) {
      this.#grants.pass(now, this.held)
      this.#count()
      return
    }
    if (terms.lowersNextPeriod) this.amount = terms.amount
    if (this.#log !== null) {
      gone.used = 0
      gone.held = 0
      this.opensAt = Math.max(this.opensAt, forget(this.#log, now, clock.lengthMs, gone))
      this.used -= gone.used
      this.held -= gone.held
      this.endsAt = this.#log.length > 0 ? this.#log[0]! + clock.lengthMs : NEVER
      return
    }
    this.used = 0
    this.held = 0
    const { start, end } = clock.periodAt(now)
    this.opensAt = clock.passing === 'anchored' ? NEVER : start
    this.endsAt = end
  }

  hold(now: EpochMs, amount: Quantity): void {
    this.held += amount
    this.open++
    this.#open(now, amount)
  }

  #open(now: EpochMs, amount: Quantity): void {
    const { passing, lengthMs } = this.rule.clock
    switch (passing) {
      case 'never':
        this.opensAt = now
        return
      case 'sliding':
        hold(this.#log!, now, amount, lengthMs)
        this.endsAt = this.#log![0]! + lengthMs
        return
      case 'anchored':
        if (this.opensAt !== NEVER) return
        this.opensAt = now
        this.endsAt = now + lengthMs
        return
      case 'periodic':
    }
  }

  /** Makes a part of what was held at one moment a hold of its own that counts from a later one. */
  carve(from: EpochMs, to: EpochMs, amount: Quantity): void {
    this.open++
    const { passing, lengthMs } = this.rule.clock
    if (passing === 'never') this.opensAt = Math.max(this.opensAt, to)
    else if (from < this.opensAt) {
      // The window that it was held in is over, and what was held with it: it counts in the present one if it began there.
      if (to >= this.opensAt) this.#holdAt(to, amount)
      return
    }
    if (this.#log !== null) moveHeld(this.#log, { from, to, amount }, lengthMs)
  }

  #holdAt(at: EpochMs, amount: Quantity): void {
    this.held += amount
    if (this.#log === null) return
    insert(this.#log, at)
    settle(this.#log, at, -amount, 0)
    this.endsAt = this.#log[0]! + this.rule.clock.lengthMs
  }

  /**
   * Turns what was held at a moment into what was used; both are for nothing once that moment's window is over.
   *
   * @returns what was drawn of grants; null where there are none
   */
  settle(at: EpochMs, held: Quantity, used: Quantity): readonly Draw[] | null {
    this.open--
    this.#settle(at, held, used)
    if (this.#grants === null) return null
    const draws = this.#grants.settle(at, held, used)
    this.#count()
    return draws
  }

  #settle(at: EpochMs, held: Quantity, used: Quantity): void {
    if (at < this.opensAt && this.rule.clock.passing !== 'never') return
    // Beyond what a number counts exactly the limit is reached whatever is added, so that nothing is lost by stopping.
    const counted = Math.min(used, MAX_QUANTITY - this.used - this.held + held)
    this.used += counted
    this.held -= held
    if (this.#log !== null) settle(this.#log, at, held, counted)
  }

  /** Counts what was used at a moment that may lie before others, and was held by nobody. */
  recount(at: EpochMs, { number, used, opened, draws }: Recounted, now: EpochMs): void {
    if (this.#grants !== null) {
      this.#grants.redraw(used, draws ?? [], number)
      this.#count()
      // Debts are paid when all has been drawn again: with the next question.
      this.endsAt = ALWAYS
      return
    }
    const { passing, lengthMs } = this.rule.clock
    if (now >= this.endsAt) this.roll(now)
    if (this.#log !== null && at >= this.opensAt) {
      insert(this.#log, at)
      this.endsAt = this.#log[0]! + lengthMs
    } else if (passing === 'anchored') {
      if (opened === null || now >= opened + lengthMs) return
      if (this.opensAt === NEVER) {
        this.opensAt = opened
        this.endsAt = opened + lengthMs
      }
    }
    this.#settle(at, 0, used)
    if (now >= this.endsAt) this.roll(now)
  }

  /** A window that was opened by nothing that stayed is closed again. */
  closeIfUnused(): void {
    if (this.rule.clock.passing !== 'anchored' || this.used > 0 || this.held > 0) return
    this.opensAt = NEVER
    this.endsAt = NEVER
  }

  /** When a call that needs so much will fit, if everything held is used; null for never or when nobody knows. */
  fitsAt(need: Quantity): EpochMs | null {
    const missing = this.used + this.held + need - this.amount
    if (this.#grants !== null) return this.#grants.beginsAt()
    if (need > this.amount) return null
    if (this.#log !== null) return leavesAt(this.#log, missing, this.rule.clock.lengthMs)
    return this.endsAt === NEVER ? null : this.endsAt
  }

  /** When the first of what is taken comes back. */
  resetsAt(): EpochMs | null {
    if (this.#grants !== null) return this.#grants.beginsAt()
    if (this.#log !== null) return leavesAt(this.#log, 1, this.rule.clock.lengthMs)
    return this.endsAt === NEVER ? null : this.endsAt
  }

  /** Whether nothing would be lost by forgetting it. */
  get isEmpty(): boolean {
    return this.open === 0 && this.used === 0 && this.held === 0 && this.firstWaiting === NOBODY
  }

  /** The scope as callers see it: that of the member. */
  get scope(): string {
    const { scope } = this.rule.terms
    if (scope.kind !== 'each') return this.rule.scope
    // Runs of different owners may have the same name; the caller knows its own by that name.
    return `${scope.of}:${scope.of === 'run' ? this.name.slice(this.name.indexOf('\n') + 1) : this.name}`
  }

  view(): LimitView {
    const { rule, amount, used, held } = this
    const { unit, window, membership } = rule.terms
    const expiresAt = this.#grants?.expiresAt() ?? null
    return {
      limit: rule.id,
      scope: this.scope,
      unit,
      window: window.form,
      amount,
      used,
      held,
      left: Math.max(0, amount - used - held),
      resetsAt: this.resetsAt(),
      plan: membership?.plan ?? null,
      ...(membership === undefined ? {} : { part: membership.part }),
      ...(expiresAt === null ? {} : { expiresAt }),
    }
  }

  /** Its grants, in the order in which they are drawn. */
  grants(): readonly GrantView[] {
    return this.#grants?.view() ?? NO_GRANTS
  }

  /** What is to be kept of it: its balance, before that one of each grant. */
  balances(): readonly Balance[] {
    const balance = this.#balance()
    if (this.#grants === null) return [balance]
    // The member's own last: while it does not cover a use yet, each grant knows by itself whether it does.
    const draws = this.#grants
      .draws()
      .map(([grant, used]) => ({ ...balance, member: memberOf(this.name, grant), used }))
    return [...draws, { ...balance, used: this.#grants.debt }]
  }

  #balance(): Balance {
    const { id, terms } = this.rule
    const uses = this.#log === null ? null : usesOf(this.#log)
    return {
      limit: id,
      member: this.name,
      budget: terms.lowersNextPeriod || (this.amount !== terms.amount && this.#grants === null) ? this.amount : null,
      used: this.used,
      opensAt: this.opensAt === NEVER || this.opensAt === ALWAYS ? 0 : this.opensAt,
      endsAt: this.#forgottenAt(uses),
      uses,
    }
  }

  #forgottenAt(uses: readonly number[] | null): EpochMs | null {
    const { clock, terms } = this.rule
    if (this.#grants !== null) return null
    if (uses !== null) return uses.length > 0 ? uses.at(-2)! + clock.lengthMs : 0
    const isOfRuns = terms.scope.kind === 'each' && terms.scope.of === 'run'
    if (clock.passing === 'never' && isOfRuns) return this.opensAt + 2 * RUN_MEMORY_MS
    return this.endsAt === NEVER ? null : this.endsAt
  }

  /** Takes a balance up again. What was held when it was taken has come back. */
  restore(balance: Balance, now: EpochMs): void {
    if (balance.endsAt !== null && balance.endsAt <= now) return
    if (this.#grants !== null) {
      this.#grants.debt = balance.used
      this.#count()
      this.endsAt = ALWAYS
      return
    }
    const { passing, lengthMs } = this.rule.clock
    const isOver = passing === 'periodic' && balance.opensAt !== this.opensAt
    if (balance.budget !== null && !isOver) this.#restoreAmount(balance.budget)
    this.used = balance.used
    if (passing === 'sliding') {
      this.#log = logOf(balance.uses ?? [])
      this.endsAt = this.#log.length > 0 ? this.#log[0]! + lengthMs : NEVER
    } else if (passing === 'anchored' && balance.used > 0) {
      this.opensAt = balance.opensAt
      this.endsAt = balance.opensAt + lengthMs
    } else if (passing === 'never') this.opensAt = balance.opensAt
    else if (isOver) this.used = 0
    if (now >= this.endsAt) this.roll(now)
  }

  #restoreAmount(amount: Quantity): void {
    const { lowersNextPeriod, amount: present } = this.rule.terms
    this.amount = lowersNextPeriod ? Math.max(amount, present) : amount
  }

  /** Takes up what was drawn of one grant. */
  restoreGrant(grant: string, { used }: Balance, coveredUpTo: number): void {
    this.#grants?.restore(grant, used, coveredUpTo)
    this.#count()
    this.endsAt = ALWAYS
  }
}

/** The member of a balance that says what was drawn of one grant. */
function memberOf(name: string, grant: string): string {
  return `${name}\n${grant}`
}
