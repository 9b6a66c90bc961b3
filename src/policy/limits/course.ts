import type { EpochMs } from '../../units/time.ts'
import type { Quantity } from '../../vocabulary/limit.ts'
import type { LimitedCall } from '../../vocabulary/limited-call.ts'
import type { Binding, Hold, HoldPart } from './hold.ts'
import { judge, mayExtend, type Verdict } from './judge.ts'
import type { Chosen } from './need.ts'
import { NO_PLANS } from './plans.ts'
import type { MemberState } from './state.ts'

/** How the judgement of a call went, over all plans whose allowance had no room. */
export interface Course extends Chosen {
  readonly verdict: Exclude<Verdict, { kind: 'overflow' }>
  readonly overflow: readonly string[]
  /** Where it is stopped or has to wait: the limits without room, and what it needs of them. */
  readonly blocked: Blocked
}

/** Limits without room, with what a call needs by unit. */
export interface Blocked {
  readonly members: readonly MemberState[]
  readonly needs: readonly Quantity[]
}

interface Asked {
  readonly call: LimitedCall
  readonly find: (overflow: readonly string[]) => Binding
  readonly choose: (binding: Binding) => Chosen
  readonly arrival: number
  readonly now: EpochMs
}

/**
 * Judges a call, and each time that it is sent to the overflow of a plan judges it anew by that. Each plan sends it on
 * once at most, since what it includes binds no more after that.
 */
export function judgeCourse({ call, find, choose, arrival, now }: Asked): Course {
  let overflow = NO_PLANS
  let soonest: Blocked = { members: [], needs: [] }
  let soonestAt = Number.POSITIVE_INFINITY
  for (;;) {
    const binding = find(overflow)
    for (const member of binding.members) if (now >= member.endsAt) member.roll(now)
    const { needs, amounts } = choose(binding)
    const verdict = judge(binding, { needs, upstreams: call.upstreams, arrival })
    if (verdict.kind === 'overflow' || verdict.kind === 'stop') {
      const at = fitsAt(verdict.blocked, needs)
      // Room in any one of the rounds would let it go on; of equals the last is told, since it is what stops it.
      if (at < soonestAt || verdict.kind === 'stop' || soonest.members.length === 0) {
        if (at <= soonestAt) soonest = { members: verdict.blocked, needs }
        soonestAt = Math.min(at, soonestAt)
      }
    }
    if (verdict.kind === 'queue') soonest = { members: verdict.blocked, needs }
    if (verdict.kind !== 'overflow') return { verdict, overflow, needs, amounts, blocked: soonest }
    overflow = [...overflow, verdict.plan]
  }
}

/** When all of them have room; infinite for never or when nobody knows. */
function fitsAt(members: readonly MemberState[], needs: readonly Quantity[]): EpochMs {
  return members.reduce(
    (last, member) => Math.max(last, member.fitsAt(needs[member.unit]!) ?? Number.POSITIVE_INFINITY),
    Number.NEGATIVE_INFINITY,
  )
}

/**
 * Finds room for more of a call that runs: where its last part is held, else in the overflow of the plans that have no
 * room for it.
 *
 * @param needAt the amounts to be added, by the limits that would bind them
 * @returns what is to be held; null when there is no room
 */
export function findMore(
  hold: Hold,
  {
    find,
    needAt,
    now,
  }: {
    readonly find: (overflow: readonly string[]) => Binding
    readonly needAt: (members: readonly MemberState[]) => readonly Quantity[]
    readonly now: EpochMs
  },
): HoldPart | null {
  let { binding, overflow } = hold.last
  for (;;) {
    const amounts = needAt(binding.members)
    const may = mayExtend(binding.members, amounts, now)
    if (may === 'yes') return { at: now, amounts, binding, overflow }
    if (may === 'no') return null
    overflow = [...overflow, may.overflow]
    binding = find(overflow)
  }
}
