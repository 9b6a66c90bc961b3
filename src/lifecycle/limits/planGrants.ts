import type { MemberGrants } from '../../policy/limits/registry.ts'
import type { PlanFaults, PlanGrant } from '../../ports/limits.ts'
import { type EpochMs, formatTime } from '../../units/time.ts'
import { type Limit, type LimitUnit, MAX_QUANTITY, scopeText } from '../../vocabulary/limit.ts'
import { fieldsOf, quote } from '../../vocabulary/limit-terms.ts'
import { Faults, MAX_GRANTS, readGrant } from '../../vocabulary/plan-amounts.ts'
import type { Grant } from '../../vocabulary/plan-grant.ts'
import { type Given, sumOf } from './planRows.ts'

/** Limits that are made of credits. */
function madeOfGrants(limits: readonly Limit[]): readonly Limit[] {
  return limits.filter(({ grants }) => grants !== undefined)
}

/**
 * Reads credits that are to be granted of a plan: as they are written in one, but that they need no id and begin now if
 * nothing else is said.
 *
 * @param limits those of the plan
 * @param value `{ limit?, id?, amount, priority?, createdAt?, expiresAt?, kind? }`
 */
export function readGrantFor(limits: readonly Limit[], value: unknown, now: EpochMs): Given | PlanFaults | 'taken' {
  const faults = new Faults()
  const fields = fieldsOf(value)
  if (fields === null) {
    faults.add([], `expected a grant; got ${quote(value)}`)
    return { faults: faults.all }
  }
  const { limit: wanted, ...rest } = fields
  const limit = limitFor(faults, limits, wanted)
  const known = madeOfGrants(limits).flatMap(({ grants }) => grants!)
  const unsaid = { id: freeId(known, now), createdAt: formatTime(Math.floor(now)) }
  const unit = limit?.unit ?? onlyUnit(madeOfGrants(limits))
  const grant = readGrant(faults, [], { value: { ...unsaid, ...rest }, unit })
  if (limit === null || grant === null || faults.all.length > 0) return { faults: faults.all }
  if (known.some(({ id }) => id === grant.id)) return 'taken'
  const grants = limit.grants!
  if (grants.length >= MAX_GRANTS) faults.add([], `expected at most ${MAX_GRANTS} grants of one limit`)
  if (sumOf(grants) + grant.amount > MAX_QUANTITY) {
    faults.add(['amount'], 'expected no more together than a limit can hold')
  }
  return faults.all.length > 0 ? { faults: faults.all } : { limit: limit.id, grant }
}

function limitFor(faults: Faults, limits: readonly Limit[], wanted: unknown): Limit | null {
  const possible = madeOfGrants(limits)
  if (possible.length === 0) return faults.add([], 'expected a plan that has a limit of grants')
  const ids = possible.map(({ id }) => id).join(', ')
  if (wanted === undefined) {
    return possible.length === 1
      ? possible[0]!
      : faults.add(['limit'], `expected one of ${ids}: each is made of grants`)
  }
  return (
    possible.find(({ id }) => id === wanted) ?? faults.add(['limit'], `expected one of ${ids}; got ${quote(wanted)}`)
  )
}

function onlyUnit(limits: readonly Limit[]): LimitUnit | null {
  const units = new Set(limits.map(({ unit }) => unit))
  return units.size === 1 ? limits[0]!.unit : null
}

/** An id that is made of the time and that no other has. */
function freeId(known: readonly Grant[], now: EpochMs): string {
  const taken = new Set(known.map(({ id }) => id))
  let at = Math.floor(now)
  while (taken.has(`grant-${at.toString(36)}`)) at++
  return `grant-${at.toString(36)}`
}

/**
 * Credits that end now, so that what was drawn of them stays drawn.
 *
 * @returns null where they have not begun; the same where they are over already
 */
export function ended(grant: Grant, now: EpochMs): Grant | null {
  const { createdAt, expiresAt } = grant
  if (createdAt > now) return null
  if (expiresAt !== null && expiresAt <= now) return grant
  return { ...grant, expiresAt: Math.max(Math.floor(now), createdAt + 1) }
}

/**
 * Every grant of a plan with what became of it, once for each member of its limit that has taken something.
 *
 * @param took what became of the grants of a limit, by member
 */
export function grantsOf(
  limits: readonly Limit[],
  given: readonly Given[],
  took: (id: string) => Iterable<MemberGrants>,
): readonly PlanGrant[] {
  return madeOfGrants(limits).flatMap(of => {
    const { unit, scope, grants } = of
    const members = [...took(of.id)]
    const isWritten = (id: string) => !given.some(({ limit, grant }) => limit === of.id && grant.id === id)
    const none: MemberGrants = { scope: scopeText(scope), grants: [] }
    return (members.length > 0 ? members : [none]).flatMap(member => {
      const begun = member.grants.map(view => {
        return { ...view, limit: of.id, unit, scope: member.scope, isWritten: isWritten(view.id) }
      })
      const ahead = grants!.filter(grant => !begun.some(({ id }) => id === grant.id))
      return [...begun, ...ahead.map(grant => ({ ...untouched(of, grant, isWritten(grant.id)), scope: member.scope }))]
    })
  })
}

/** A grant of which nobody has drawn anything. */
export function untouched({ id: limit, unit, scope }: Limit, grant: Grant, isWritten: boolean): PlanGrant {
  return { ...grant, used: 0, remaining: grant.amount, expired: 0, limit, unit, scope: scopeText(scope), isWritten }
}
