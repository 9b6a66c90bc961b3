import type { EpochMs } from '../../units/time.ts'
import type { Quantity } from '../../vocabulary/limit.ts'
import type { Need } from '../../vocabulary/limited-call.ts'
import { needOf, REQUESTS } from './call.ts'
import type { MemberState } from './state.ts'

/**
 * A call whose worst case takes more of a limit than this is held for what it will probably use: of a limit that eight
 * such calls exhaust, most would be set aside for tokens that nobody writes.
 */
const GENEROUS_SHARE = 8

/**
 * Which of its amounts a call is held for, where what it will probably use can be held first and extended while it runs.
 *
 * The worst case, as long as it is a small part of every limit that stops. What was learnt from earlier calls is also held
 * where the worst case has no room and it may have: the last of a limit can still be spent then.
 */
export function chooseNeeds(
  members: readonly MemberState[],
  { worst, need, now }: { readonly worst: readonly Quantity[]; readonly need: Need; readonly now: EpochMs },
): readonly Quantity[] {
  const { expected, isLearnt } = need
  if (expected === null) return worst
  for (const member of members) {
    if (member.unit >= REQUESTS || member.rule.terms.onReached.kind === 'warn') continue
    const most = worst[member.unit]!
    if (most * GENEROUS_SHARE > member.amount) return needOf(expected)
    if (!isLearnt) continue
    if (now >= member.endsAt) member.roll(now)
    if (member.used + member.held + most > member.amount) return needOf(expected)
  }
  return worst
}
