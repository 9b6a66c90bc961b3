import type { EpochMs } from '../../units/time.ts'
import { MAX_QUANTITY, type OnReached, type Quantity } from '../../vocabulary/limit.ts'
import { withoutUpstreams } from './bindings.ts'
import { DOLLARS, UNPRICED } from './call.ts'
import type { Binding } from './hold.ts'
import { type MemberState, NOBODY } from './state.ts'

/** What limits without room make of a call. */
export type Verdict =
  | {
      readonly kind: 'admit'
      readonly binding: Binding
      /** Limits that are reached but only warn. */
      readonly warnings: readonly MemberState[]
      readonly excluded: readonly string[]
    }
  | { readonly kind: 'downgrade'; readonly model: string; readonly member: MemberState }
  /** To be judged anew, by the overflow limits of a plan instead of by what it includes. */
  | { readonly kind: 'overflow'; readonly plan: string; readonly blocked: readonly MemberState[] }
  | { readonly kind: 'unpriced'; readonly blocked: readonly MemberState[] }
  | { readonly kind: 'stop'; readonly blocked: readonly MemberState[] }
  | { readonly kind: 'queue'; readonly blocked: readonly MemberState[] }

const NONE: readonly never[] = []

/**
 * Whether a limit has no room for so much. One whose calls wait has none for calls that came later, since they would
 * overtake.
 */
function isBlocked(member: MemberState, need: Quantity, arrival: number): boolean {
  if (member.used + member.held + need > member.amount) return true
  const { firstWaiting, rule } = member
  return firstWaiting !== NOBODY && firstWaiting < arrival && rule.terms.onReached.kind === 'queue'
}

/** How a limit stops a call for which it has no room. */
function manner(member: MemberState, need: Quantity): OnReached['kind'] {
  const { onReached, membership } = member.rule.terms
  const { kind } = onReached
  // What can't be counted exactly any more can't only be warned of, and what never fits would wait in vain.
  if (kind === 'warn' && need !== UNPRICED && member.used + member.held + need > MAX_QUANTITY) return 'stop'
  if (kind === 'queue' && need > member.amount) return 'stop'
  // Only what a plan includes binds no more once the call is on the overflow: anything else would send it round for ever.
  if (kind === 'overflow' && membership?.part !== 'included') return 'stop'
  return kind
}

/** A call as it is judged. */
export interface Judged {
  /** By unit. */
  readonly needs: readonly Quantity[]
  readonly upstreams: readonly string[]
  /** Its place among those that wait. */
  readonly arrival: number
}

/**
 * Judges a call that some limit may have no room for. A cheaper model is tried first, since it may fit where this one
 * does not; then the call is refused, and made to wait only if nothing but waiting stands in its way.
 *
 * An upstream whose limits have no room is left out as long as another one may serve the call.
 */
export function judge(binding: Binding, { needs, upstreams, arrival }: Judged): Verdict {
  const isUnpriced = needs[DOLLARS] === UNPRICED
  const warnings: MemberState[] = []
  const blocked: MemberState[] = []
  const ofUpstreams: { readonly upstream: string; readonly member: MemberState }[] = []
  binding.members.forEach((member, i) => {
    const need = needs[member.unit]!
    if (!isBlocked(member, need, arrival)) return
    const upstream = binding.upstreams?.[i] ?? null
    if (manner(member, need) === 'warn') warnings.push(member)
    else if (upstream !== null) ofUpstreams.push({ upstream, member })
    else blocked.push(member)
  })
  const unpriced = isUnpriced ? [...blocked, ...ofUpstreams.map(({ member }) => member)] : NONE
  const dollars = unpriced.filter(member => member.unit === DOLLARS)
  if (dollars.length > 0) return { kind: 'unpriced', blocked: dollars }
  const excluded = [...new Set(ofUpstreams.map(({ upstream }) => upstream))]
  const isStranded = excluded.length > 0 && upstreams.every(name => excluded.includes(name))
  if (isStranded) for (const { member } of ofUpstreams) blocked.push(member)
  return conclude(binding, { needs, warnings, blocked, excluded: isStranded ? NONE : excluded })
}

interface Findings {
  readonly needs: readonly Quantity[]
  readonly warnings: readonly MemberState[]
  readonly blocked: readonly MemberState[]
  readonly excluded: readonly string[]
}

function conclude(binding: Binding, { needs, warnings, blocked, excluded }: Findings): Verdict {
  if (blocked.length === 0) {
    return { kind: 'admit', binding: withoutUpstreams(binding, excluded), warnings, excluded }
  }
  // First, since a call that goes elsewhere may have room there with the model that it asks for.
  const overflowing = blocked.find(member => manner(member, needs[member.unit]!) === 'overflow')
  if (overflowing !== undefined) return { kind: 'overflow', plan: overflowing.rule.terms.membership!.plan, blocked }
  for (const member of blocked) {
    const { onReached } = member.rule.terms
    if (onReached.kind === 'downgrade') return { kind: 'downgrade', model: onReached.model, member }
  }
  const stopping = blocked.filter(member => manner(member, needs[member.unit]!) === 'stop')
  return stopping.length > 0 ? { kind: 'stop', blocked: stopping } : { kind: 'queue', blocked }
}

/**
 * Whether a call that runs may use more: all limits that do not only warn have room. Rolls windows that are over.
 *
 * @returns the plan that overflows, where nothing but what it includes stands in the way
 */
export function mayExtend(
  members: readonly MemberState[],
  more: readonly Quantity[],
  now: EpochMs,
): 'yes' | 'no' | { readonly overflow: string } {
  let overflow: string | null = null
  for (const member of members) {
    if (now >= member.endsAt) member.roll(now)
    const need = more[member.unit]!
    const isOver = need > 0 && member.used + member.held + need > member.amount
    const kind = isOver ? manner(member, need) : 'warn'
    if (kind === 'warn') continue
    if (kind !== 'overflow') return 'no'
    overflow = member.rule.terms.membership!.plan
  }
  return overflow === null ? 'yes' : { overflow }
}

/** Whether every limit has room and none has calls waiting. Rolls windows that are over. */
export function hasRoom(members: readonly MemberState[], needs: readonly Quantity[], now: EpochMs): boolean {
  for (let i = 0; i < members.length; i++) {
    const member = members[i]!
    if (now >= member.endsAt) member.roll(now)
    if (member.used + member.held + needs[member.unit]! > member.amount || member.firstWaiting !== NOBODY) return false
  }
  return true
}
