import type { EpochMs } from '../../units/time.ts'
import type { Quantity } from '../../vocabulary/limit.ts'
import { type ActualAmounts, DOLLARS, REQUESTS, usedOf } from './call.ts'
import type { MemberState } from './state.ts'

/** A part of a hold that was added while the call ran. It counts when it was added. */
export interface Extension {
  readonly at: EpochMs
  readonly amounts: readonly Quantity[]
}

/** The members of limits that bind a call. */
export interface Binding {
  readonly members: readonly MemberState[]
  /** For each member the upstream that alone it binds, null for the call as a whole; null when all are. */
  readonly upstreams: readonly (string | null)[] | null
}

/** What is set aside for one call in every limit that binds it. Resolved once: posted or voided. */
export class Hold {
  readonly owner: object
  readonly binding: Binding
  /** When it was admitted: what it uses counts then. */
  readonly at: EpochMs
  /** By unit, in the order of `LIMIT_UNITS`. */
  readonly amounts: readonly Quantity[]
  /** Upstreams whose limits have no room for the call: it must not be sent there. */
  readonly excluded: readonly string[]
  extensions: Extension[] | null = null
  resolved = false

  constructor(owner: object, binding: Binding, amounts: readonly Quantity[], at: EpochMs, excluded: readonly string[]) {
    this.owner = owner
    this.binding = binding
    this.amounts = amounts
    this.at = at
    this.excluded = excluded
  }

  /** All that is held of a unit, extensions included. */
  held(unit: number): Quantity {
    let sum = this.amounts[unit]!
    if (this.extensions !== null) for (const { amounts } of this.extensions) sum += amounts[unit]!
    return sum
  }
}

/**
 * Ends a hold at one member: what was used fills the parts of the hold in the order in which they were held, and what
 * is beyond them is added to the last.
 */
export function settleMember(hold: Hold, member: MemberState, used: Quantity): void {
  const { unit } = member
  const held = hold.amounts[unit]!
  member.open--
  if (hold.extensions === null) {
    member.settle(hold.at, held, used)
    return
  }
  let rest = Math.max(0, used - held)
  member.settle(hold.at, held, used - rest)
  hold.extensions.forEach(({ at, amounts }, i) => {
    const isLast = i === hold.extensions!.length - 1
    const part = isLast ? rest : Math.min(rest, amounts[unit]!)
    member.settle(at, amounts[unit]!, part)
    rest -= part
  })
}

/** The part of what a call used that counts at a member: of its own upstream, if it is bound to one. */
export function usedAt(hold: Hold, place: number, actual: ActualAmounts, used: readonly Quantity[]): Quantity {
  const { members, upstreams } = hold.binding
  const { unit } = members[place]!
  const upstream = upstreams?.[place] ?? null
  if (upstream === null || actual.byUpstream === undefined) return used[unit]!
  const part = actual.byUpstream[upstream]
  return part === undefined ? 0 : usedOf(part, hold.held(DOLLARS))[unit]!
}

/** What was used beyond a hold, by unit; null when nothing was. */
export function overrunOf(hold: Hold, used: readonly Quantity[]): readonly Quantity[] | null {
  let isOver = false
  for (let unit = DOLLARS; unit < REQUESTS; unit++) if (used[unit]! > hold.held(unit)) isOver = true
  return isOver ? used.map((quantity, unit) => (unit < REQUESTS ? Math.max(0, quantity - hold.held(unit)) : 0)) : null
}
