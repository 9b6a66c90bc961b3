import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Balance, CoveringBalance, LimitTerms, Quantity } from '../../vocabulary/limit.ts'
import { Attic, RUN_MEMORY_MS } from './attic.ts'
import type { Rule } from './rule.ts'
import { MemberState, NOBODY } from './state.ts'

/** A run without a call for so long is put where it takes less memory. */
const RUN_REST_MS: DurationMs = 300_000
/** With every run that is made, so many are looked at: memory follows use down without anybody sweeping. */
const LOOKED_AT_EACH_TIME = 2

/** The members of one limit: one, or those of an `each:` limit, made when they are first used. */
export class Members {
  readonly rule: Rule
  readonly #all = new Map<string, MemberState>()
  readonly #attic: Attic | null
  readonly #isOfRuns: boolean
  #sweeper: Iterator<MemberState> | null = null

  constructor(rule: Rule, now: EpochMs) {
    this.rule = rule
    const { scope } = rule.terms
    this.#isOfRuns = scope.kind === 'each' && scope.of === 'run'
    this.#attic = this.#isOfRuns && rule.clock.passing === 'never' ? new Attic(now) : null
  }

  /** @param name empty for a limit that has but one */
  get(name: string, now: EpochMs): MemberState {
    return this.find(name, now) ?? this.make(name, this.rule.terms.amount, now)
  }

  find(name: string, now: EpochMs): MemberState | null {
    const found = this.#all.get(name)
    if (found !== undefined) return found
    const resting = this.#attic?.take(name) ?? null
    if (resting === null) return null
    const member = this.make(name, resting.budget ?? this.rule.terms.amount, now)
    member.used = resting.used
    member.opensAt = now
    return member
  }

  make(name: string, amount: Quantity, now: EpochMs): MemberState {
    if (this.#isOfRuns) this.sweep(now, LOOKED_AT_EACH_TIME)
    const member = new MemberState(this.rule, name, amount, now)
    // A total has no window to tell when it was used, and rests by that.
    if (this.#attic !== null) member.opensAt = now
    this.#all.set(name, member)
    return member
  }

  /** The member as it stands, without making one that is not there. */
  peek(name: string, now: EpochMs): MemberState {
    const found = this.#all.get(name)
    if (found !== undefined) {
      if (now >= found.endsAt) found.roll(now)
      return found
    }
    const resting = this.#attic?.peek(name) ?? null
    const stranger = new MemberState(this.rule, name, resting?.budget ?? this.rule.terms.amount, now)
    stranger.used = resting?.used ?? 0
    return stranger
  }

  has(name: string): boolean {
    return this.#all.has(name) || (this.#attic?.peek(name) ?? null) !== null
  }

  /**
   * Forgets members that hold nothing and puts runs to rest.
   *
   * @param steps how many to look at
   * @returns how many were let go
   */
  sweep(now: EpochMs, steps: number): number {
    let gone = 0
    for (let i = 0; i < steps; i++) {
      this.#sweeper ??= this.#all.values()
      const next = this.#sweeper.next()
      if (next.done) {
        this.#sweeper = null
        break
      }
      if (this.#letGo(next.value, now)) gone++
    }
    return gone
  }

  #letGo(member: MemberState, now: EpochMs): boolean {
    if (now >= member.endsAt) member.roll(now)
    const { name } = member
    if (this.#attic !== null) {
      if (member.open > 0 || member.firstWaiting !== NOBODY || now - member.opensAt < RUN_REST_MS) return false
      const budget = member.amount === this.rule.terms.amount ? null : member.amount
      if (member.used > 0 || this.rule.id === null) this.#attic.put(name, { used: member.used, budget }, now)
    } else if (!member.isEmpty || this.rule.terms.scope.kind !== 'each') return false
    return this.#all.delete(name)
  }

  /** Takes the amount of new terms and what happens when it is reached; all that is used stays. */
  change(terms: LimitTerms, now: EpochMs): void {
    for (const member of this.#all.values()) if (now >= member.endsAt) member.roll(now)
    this.rule.terms = terms
    for (const member of this.#all.values()) member.change(terms, now)
  }

  get size(): number {
    return this.#all.size
  }

  get resting(): number {
    return this.#attic?.size ?? 0
  }

  values(): MapIterator<MemberState> {
    return this.#all.values()
  }

  *balances(): Generator<Balance> {
    const { id, terms } = this.rule
    for (const member of this.#all.values()) {
      if (member.used > 0 || id === null || terms.lowersNextPeriod) yield* member.balances()
    }
    if (this.#attic === null) return
    for (const [member, { used, budget }, opensAt] of this.#attic.entries()) {
      yield { limit: id, member, budget, used, opensAt, endsAt: opensAt + 2 * RUN_MEMORY_MS, uses: null }
    }
  }

  /** @param isCovering whether it covers uses that are going to be recounted: then it has to say so when asked */
  restore({ balance, asOf }: CoveringBalance, isCovering: boolean, now: EpochMs): void {
    const { grants } = this.rule.terms
    const feed = grants === undefined ? -1 : balance.member.lastIndexOf('\n')
    if (feed >= 0) {
      this.get(balance.member.slice(0, feed), now).restoreGrant(balance.member.slice(feed + 1), balance, asOf)
      return
    }
    if (this.#attic === null || isCovering) {
      const member = this.get(balance.member, now)
      member.restore(balance, now)
      member.coveredUpTo = asOf
      // Nobody at rest says what it covers, so it must not be put there before all is recounted.
      if (this.#attic !== null) member.opensAt = now
      return
    }
    if (balance.endsAt !== null && balance.endsAt <= now) return
    this.#attic.put(balance.member, balance, now)
  }
}
