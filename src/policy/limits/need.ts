import type { EpochMs } from '../../units/time.ts'
import type { Quantity } from '../../vocabulary/limit.ts'
import type { Amounts, Need } from '../../vocabulary/limited-call.ts'
import { needAt } from './burn.ts'
import { CONCURRENCY, needOf, REQUESTS } from './call.ts'
import type { MemberState } from './state.ts'

/**
 * A call whose worst case takes more of a limit than this is held for what it will probably use: of a limit that eight
 * such calls exhaust, most would be set aside for tokens that nobody writes.
 */
const GENEROUS_SHARE = 8

/** Which of its amounts a call is held for, and the same by unit. */
export interface Chosen {
  readonly needs: readonly Quantity[]
  readonly amounts: Amounts
}

/** What calls need of the limits that bind them. */
export class Needs {
  readonly #isAnyBurning: () => boolean

  /** @param isAnyBurning whether any limit is burnt at rates of its own, which few have to reckon with */
  constructor(isAnyBurning: () => boolean) {
    this.#isAnyBurning = isAnyBurning
  }

  /** By unit. */
  of(amounts: Amounts, members: readonly MemberState[]): Quantity[] {
    return this.#isAnyBurning() ? needAt(members, amounts) : needOf(amounts)
  }

  /** What more a call needs while it runs: no further request. */
  ofMore(more: Amounts, members: readonly MemberState[]): Quantity[] {
    const needs = this.of(more, members)
    needs[REQUESTS] = 0
    needs[CONCURRENCY] = 0
    return needs
  }

  /**
   * Chooses what a call is held for, where what it will probably use can be held first and extended while it runs.
   *
   * The worst case, as long as it is a small part of every limit that stops. What was learnt from earlier calls is also
   * held where the worst case has no room and it may have: the last of a limit can still be spent then.
   */
  choose(need: Need, members: readonly MemberState[], now: EpochMs): Chosen {
    const { worst, expected } = need
    const needs = this.of(worst, members)
    if (expected === null || !isTooMuch(needs, members, need.isLearnt ? now : null)) return { needs, amounts: worst }
    return { needs: this.of(expected, members), amounts: expected }
  }
}

/** @param now null where only the size of the limits counts, and not what is left of them */
function isTooMuch(worst: readonly Quantity[], members: readonly MemberState[], now: EpochMs | null): boolean {
  for (const member of members) {
    const { unit, rule, amount } = member
    if (unit === REQUESTS || unit === CONCURRENCY || rule.terms.onReached.kind === 'warn') continue
    const most = worst[unit]!
    if (most * GENEROUS_SHARE > amount) return true
    if (now === null) continue
    if (now >= member.endsAt) member.roll(now)
    if (member.used + member.held + most > member.amount) return true
  }
  return false
}
