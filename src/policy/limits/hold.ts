import type { EpochMs } from '../../units/time.ts'
import { LIMIT_UNITS, type Quantity } from '../../vocabulary/limit.ts'
import type { ActualAmounts, Amounts, LimitedCall } from '../../vocabulary/limited-call.ts'
import { addBurnt } from './burn.ts'
import { DOLLARS, REQUESTS, usedOf } from './call.ts'
import type { Draw } from './grants.ts'
import { NO_PLANS } from './plans.ts'
import type { MemberState } from './state.ts'

const NO_UPSTREAMS: readonly string[] = []

/** The members of limits that bind a call. */
export interface Binding {
  readonly members: readonly MemberState[]
  /** For each member the upstream that alone it binds, null for the call as a whole; null when all are. */
  readonly upstreams: readonly (string | null)[] | null
}

/** What was held at one moment: when the call was admitted, or added while it ran. It counts then. */
export interface HoldPart {
  readonly at: EpochMs
  /** By unit, in the order of `LIMIT_UNITS`, then by the places of limits with rates of their own. */
  readonly amounts: readonly Quantity[]
  readonly binding: Binding
  /** Plans of which this part is on the overflow. */
  readonly overflow: readonly string[]
}

/** What was drawn of the grants of one limit for one part of a hold. */
interface Drawn {
  readonly part: HoldPart
  readonly limit: string
  readonly draws: readonly Draw[]
}

/** What a hold is for. */
export interface HoldOf {
  readonly call: LimitedCall
  /** Upstreams whose limits have no room for the call. */
  readonly excluded: readonly string[]
  readonly overflow: readonly string[]
}

/** A call that goes where it asked to, by what its plans include. */
export function plainly(call: LimitedCall): HoldOf {
  return { call, excluded: NO_UPSTREAMS, overflow: NO_PLANS }
}

/** What is set aside for one call in every limit that binds it. Resolved once: posted or voided. */
export class Hold implements HoldPart {
  readonly owner: object
  readonly binding: Binding
  /** When it was admitted: what it uses counts then. */
  readonly at: EpochMs
  readonly amounts: readonly Quantity[]
  readonly call: LimitedCall
  /** Upstreams whose limits have no room for the call: it must not be sent there. */
  readonly excluded: readonly string[]
  readonly overflow: readonly string[]
  extensions: HoldPart[] | null = null
  resolved = false
  drawn: Drawn[] | null = null

  constructor(
    owner: object,
    binding: Binding,
    amounts: readonly Quantity[],
    at: EpochMs,
    { call, excluded, overflow }: HoldOf,
  ) {
    this.owner = owner
    this.binding = binding
    this.amounts = amounts
    this.at = at
    this.call = call
    this.excluded = excluded
    this.overflow = overflow
  }

  /** All that is held of a unit, extensions included. */
  held(unit: number): Quantity {
    let sum = this.amounts[unit] ?? 0
    if (this.extensions !== null) for (const { amounts } of this.extensions) sum += amounts[unit] ?? 0
    return sum
  }

  /** The part that was held last: more is held as it was. */
  get last(): HoldPart {
    return this.extensions?.at(-1) ?? this
  }

  get parts(): readonly HoldPart[] {
    return this.extensions === null ? [this] : [this, ...this.extensions]
  }
}

/** What of a unit falls to each part of a hold: each is filled before the next, and what is beyond them is the last's. */
function fillParts(parts: readonly HoldPart[], unit: number, used: Quantity): readonly Quantity[] {
  let rest = used
  return parts.map(({ amounts }, i) => {
    const part = i === parts.length - 1 ? rest : Math.min(rest, amounts[unit] ?? 0)
    rest -= part
    return part
  })
}

/** What a call used, and all of it by unit. */
export interface Used {
  readonly actual: ActualAmounts
  readonly byUnit: Quantity[]
}

/** Sets what was held of each member free, and counts what was used of it. Rolls windows that are over. */
export function settleHold(hold: Hold, used: Used, now: EpochMs): void {
  if (hold.extensions === null) settlePart(hold, hold, used, { now, share: null })
  else {
    const { parts } = hold
    parts.forEach((part, place) => {
      const share = (unit: number, whole: Quantity) => fillParts(parts, unit, whole)[place]!
      settlePart(hold, part, used, { now, share })
    })
  }
}

interface Settling {
  readonly now: EpochMs
  /** What of a unit falls to this part; null where it is the only one. */
  readonly share: ((unit: number, whole: Quantity) => Quantity) | null
}

function settlePart(hold: Hold, part: HoldPart, used: Used, { now, share }: Settling): void {
  const { at, amounts, binding } = part
  const { members, upstreams } = binding
  const { byUnit } = used
  addBurnt(byUnit, members, { amounts: used.actual, knowledge: 'actual' })
  for (let i = 0; i < members.length; i++) {
    const member = members[i]!
    if (now >= member.endsAt) member.roll(now)
    const { unit } = member
    const whole = upstreams === null ? byUnit[unit]! : usedAt(hold, part, i, used)
    const draws = member.settle(at, amounts[unit]!, share === null ? whole : share(unit, whole))
    if (draws === null || draws.length === 0) continue
    hold.drawn ??= []
    hold.drawn.push({ part, limit: member.rule.id!, draws })
  }
}

/** Gives back all that was held. */
export function voidHold({ parts }: Hold, now: EpochMs): void {
  for (const { at, amounts, binding } of parts) {
    for (const member of binding.members) {
      if (now >= member.endsAt) member.roll(now)
      member.settle(at, amounts[member.unit]!, 0)
      member.closeIfUnused()
    }
  }
}

/** All that a call used, by unit and by the places of the limits that bind a part of its hold. */
function usedIn(hold: Hold, { binding }: HoldPart, actual: Amounts): readonly Quantity[] {
  const used = usedOf(actual, hold.held(DOLLARS))
  addBurnt(used, binding.members, { amounts: actual, knowledge: 'actual' })
  return used
}

/** The part of what a call used that counts at a member: of its own upstream, if it is bound to one. */
function usedAt(hold: Hold, part: HoldPart, place: number, { actual, byUnit }: Used): Quantity {
  const { members, upstreams } = part.binding
  const { unit } = members[place]!
  const upstream = upstreams?.[place] ?? null
  if (upstream === null || actual.byUpstream === undefined) return byUnit[unit]!
  const own = actual.byUpstream[upstream]
  return own === undefined ? 0 : usedIn(hold, part, own)[unit]!
}

/** What was used beyond a hold, by unit; null when nothing was. */
export function overrunOf(hold: Hold, used: readonly Quantity[]): readonly Quantity[] | null {
  let isOver = false
  for (let unit = DOLLARS; unit < REQUESTS; unit++) if (used[unit]! > hold.held(unit)) isOver = true
  if (!isOver) return null
  return LIMIT_UNITS.map((_, unit) => (unit < REQUESTS ? Math.max(0, used[unit]! - hold.held(unit)) : 0))
}

/** What plans make of a use. */
export interface PlanUse {
  /** Plans of which it is on the overflow. */
  readonly overflow: readonly string[]
  /** What it burnt of limits with rates of their own, by their id. */
  readonly burnt: Readonly<Record<string, Quantity>>
  /** What it drew of grants, by the id of their limit. */
  readonly drawn: Readonly<Record<string, readonly Draw[]>>
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
  /** Null or absent where it is like any other use. */
  readonly plan?: PlanUse | null
}

/** What a use that is counted again took of a member. */
export function countOf(
  { amounts, byUpstream, plan }: Use,
  { rule, unit }: MemberState,
  upstream: string | null,
): Quantity {
  const burnt = rule.id === null ? undefined : plan?.burnt[rule.id]
  if (burnt !== undefined) return burnt
  const used = upstream === null || byUpstream === null ? amounts : byUpstream[upstream]
  // What got a rate of its own later counts plainly.
  return used?.[unit < LIMIT_UNITS.length ? unit : LIMIT_UNITS.indexOf(rule.terms.unit)] ?? 0
}

/** What was used under a hold that was just posted: one use, and one more for each extension. */
export function usesOf(hold: Hold, actual: ActualAmounts): readonly Use[] {
  const { parts } = hold
  const split = (part: Amounts) => splitUse(parts, usedOf(part, hold.held(DOLLARS)))
  const whole = split(actual)
  const upstreams = Object.entries(actual.byUpstream ?? {}).map(([name, part]) => [name, split(part)] as const)
  return parts.map((part, i) => ({
    at: part.at,
    amounts: whole[i]!,
    byUpstream: actual.byUpstream ? Object.fromEntries(upstreams.map(([name, shares]) => [name, shares[i]!])) : null,
    opened: openedWindows(part.binding),
    plan: planUseOf(hold, i, actual),
  }))
}

function planUseOf(hold: Hold, place: number, actual: ActualAmounts): PlanUse | null {
  const { parts, drawn } = hold
  const part = parts[place]!
  const { overflow, binding } = part
  const burning = binding.members.filter(({ rule }) => rule.terms.burn !== undefined)
  if (overflow.length === 0 && burning.length === 0 && drawn === null) return null
  const used = usedIn(hold, part, actual)
  const burnt = burning.map(({ unit, rule }) => [rule.id!, fillParts(parts, unit, used[unit]!)[place]!] as const)
  const own = (drawn ?? []).filter(each => each.part === part)
  return {
    overflow,
    burnt: Object.fromEntries(burnt),
    drawn: Object.fromEntries(own.map(({ limit, draws }) => [limit, draws])),
  }
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

function splitUse(parts: readonly HoldPart[], used: readonly Quantity[]): readonly (readonly Quantity[])[] {
  if (parts.length === 1) return [used]
  const units = used.map((quantity, unit) => fillParts(parts, unit, quantity))
  return parts.map((_, part) => units.map(shares => shares[part]!))
}
