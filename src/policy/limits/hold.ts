import type { EpochMs } from '../../units/time.ts'
import type { Quantity } from '../../vocabulary/limit.ts'
import type { ActualAmounts, Amounts } from '../../vocabulary/limited-call.ts'
import { DOLLARS, REQUESTS, usedOf } from './call.ts'
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

/** What of a unit falls to each part of a hold: each is filled before the next, and what is beyond them is the last's. */
function fillParts(hold: Hold, unit: number, used: Quantity): readonly Quantity[] {
  const { extensions } = hold
  let rest = used
  return [hold.amounts, ...extensions!.map(({ amounts }) => amounts)].map((amounts, i) => {
    const part = i === extensions!.length ? rest : Math.min(rest, amounts[unit]!)
    rest -= part
    return part
  })
}

/** Ends a hold at one member: what was used fills the parts of the hold in the order in which they were held. */
export function settleMember(hold: Hold, member: MemberState, used: Quantity): void {
  const { unit } = member
  member.open--
  if (hold.extensions === null) {
    member.settle(hold.at, hold.amounts[unit]!, used)
    return
  }
  const [first, ...later] = fillParts(hold, unit, used)
  member.settle(hold.at, hold.amounts[unit]!, first!)
  hold.extensions.forEach(({ at, amounts }, i) => {
    member.settle(at, amounts[unit]!, later[i]!)
  })
}

/** What a call used and when that counts. The ledger keeps it, so that it can be counted again. */
export interface Use {
  readonly at: EpochMs
  /** By unit, in the order of `LIMIT_UNITS`. */
  readonly amounts: readonly Quantity[]
  /** The same for each upstream; null when all of it is every upstream's. */
  readonly byUpstream: Readonly<Record<string, readonly Quantity[]>> | null
  /**
   * When the anchored windows that it counts in had opened, by id of their limit; null where a window was closed by then,
   * so that it counts in none. They open with the first hold, of which nothing may be left that tells.
   */
  readonly opened: Readonly<Record<string, EpochMs | null>>
}

/** What was used under a hold that was just posted: one use, and one more for each extension. */
export function usesOf(hold: Hold, actual: ActualAmounts): readonly Use[] {
  const split = (part: Amounts) => splitUse(hold, usedOf(part, hold.held(DOLLARS)))
  const whole = split(actual)
  const opened = openedWindows(hold.binding)
  const upstreams = Object.entries(actual.byUpstream ?? {}).map(([name, part]) => [name, split(part)] as const)
  return whole.map((amounts, i) => ({
    at: i === 0 ? hold.at : hold.extensions![i - 1]!.at,
    amounts,
    byUpstream: actual.byUpstream ? Object.fromEntries(upstreams.map(([name, parts]) => [name, parts[i]!])) : null,
    opened,
  }))
}

const NO_WINDOWS: Readonly<Record<string, EpochMs | null>> = {}

function openedWindows({ members }: Binding): Readonly<Record<string, EpochMs | null>> {
  let opened: Record<string, EpochMs | null> | null = null
  for (const { rule, opensAt } of members) {
    if (rule.clock.passing !== 'anchored' || rule.id === null) continue
    opened ??= {}
    opened[rule.id] = Number.isFinite(opensAt) ? opensAt : null
  }
  return opened ?? NO_WINDOWS
}

function splitUse(hold: Hold, used: readonly Quantity[]): readonly (readonly Quantity[])[] {
  if (hold.extensions === null) return [used]
  const units = used.map((quantity, unit) => fillParts(hold, unit, quantity))
  return units[0]!.map((_, part) => units.map(parts => parts[part]!))
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
