import type { StoredLimit } from '../../ports/ledger.ts'
import { type Limit, MAX_QUANTITY } from '../../vocabulary/limit.ts'
import { fieldsOf } from '../../vocabulary/limit-terms.ts'
import { limitsOfPlan, PLAN_PARTS, type Plan, type PlanLimit, planLimitId } from '../../vocabulary/plan.ts'
import { Faults, readGrant } from '../../vocabulary/plan-amounts.ts'
import { writeGrant, writePlan } from '../../vocabulary/plan-form.ts'
import type { Grant } from '../../vocabulary/plan-grant.ts'
import { type PlanFault, readPlan } from '../../vocabulary/plan-terms.ts'

/*
 * A plan on disk, in the table of limits: a row `plan:NAME` with the plan as it was written and the credits that were
 * granted since, and a row for each of its limits, which keeps their balances and when they began.
 */

/** Credits that were granted of a plan, beside those that are written in it. */
export interface Given {
  /** Id of the limit that they are for. */
  readonly limit: string
  readonly grant: Grant
}

const PREFIX = 'plan:'

export function subjectOf(plan: string): string {
  return `${PREFIX}${plan}`
}

/** The plan that a row is of; null for a limit of its own. */
export function planOf({ id, terms }: StoredLimit): string | null {
  if (id.startsWith(PREFIX)) return id.slice(PREFIX.length)
  const plan = fieldsOf(terms)?.plan
  return typeof plan === 'string' ? plan : null
}

export function isOfPlan(row: StoredLimit): boolean {
  return planOf(row) !== null
}

/** Whether it says the plan, and not one of its limits. */
export function saysPlan({ id }: StoredLimit): boolean {
  return id.startsWith(PREFIX)
}

export interface PlanToKeep extends Pick<StoredLimit, 'createdAt' | 'declared'> {
  readonly plan: Plan
  readonly given: readonly Given[]
}

export function planRow({ plan, given, createdAt, declared }: PlanToKeep): StoredLimit {
  const units = new Map(limitsOfPlan(plan).map(({ id, unit }) => [id, unit]))
  const granted = given.map(({ limit, grant }) => ({ limit, ...writeGrant(grant, units.get(limit)!) }))
  return { id: subjectOf(plan.name), terms: { plan: writePlan(plan), granted }, createdAt, declared }
}

export function limitRow({ id, createdAt, readOnly, membership }: Limit): StoredLimit {
  return { id, terms: { plan: membership!.plan }, createdAt, declared: readOnly }
}

/** The plan of a row as it was written, for the audit. */
export function writtenIn({ terms }: StoredLimit): unknown {
  return fieldsOf(terms)?.plan ?? null
}

/** @throws Error when this version can't read it */
export function readPlanRow(row: StoredLimit): Plan {
  const read = readPlan(row.id.slice(PREFIX.length), writtenIn(row))
  if ('plan' in read) return read.plan
  throw unreadable(row, read.faults)
}

/** @throws Error when this version can't read it */
export function readGiven(row: StoredLimit): readonly Given[] {
  const granted = fieldsOf(row.terms)?.granted
  const faults = new Faults()
  const given = (Array.isArray(granted) ? granted : []).flatMap((entry: unknown, i): Given[] => {
    const { limit, ...value } = fieldsOf(entry) ?? {}
    const grant = readGrant(faults, ['granted', i], { value, unit: null })
    return grant === null ? [] : [{ limit: String(limit), grant }]
  })
  if (faults.all.length > 0) throw unreadable(row, faults.all)
  return given
}

function unreadable({ id }: StoredLimit, faults: readonly PlanFault[]): Error {
  const told = faults.map(({ path, sentence }) => `${path.join('.')}: ${sentence}`).join('; ')
  return new Error(`the ledger holds the plan ${id.slice(PREFIX.length)}, which this version can't read: ${told}`)
}

/** What was granted of limits that are still made of credits; what a plan has come to write itself is not granted too. */
export function stillGiven(plan: Plan, given: readonly Given[]): readonly Given[] {
  const written = new Map(limitsOfPlan(plan).map(({ id, grants }) => [id, grants]))
  return given.filter(({ limit, grant }) => {
    const grants = written.get(limit)
    return grants?.every(({ id }) => id !== grant.id) ?? false
  })
}

/** A plan with what was granted of it. */
export function withGiven(plan: Plan, given: readonly Given[]): Plan {
  if (given.length === 0) return plan
  const parts = PLAN_PARTS.map(part => [
    part,
    plan[part].map(limit => added(limit, ofLimit(given, planLimitId(plan.name, part, limit)))),
  ])
  return { ...plan, ...Object.fromEntries(parts) }
}

function ofLimit(given: readonly Given[], id: string): readonly Grant[] {
  return given.filter(({ limit }) => limit === id).map(({ grant }) => grant)
}

function added(limit: PlanLimit, given: readonly Grant[]): PlanLimit {
  if (given.length === 0) return limit
  const grants = [...(limit.grants ?? []), ...given]
  return { ...limit, grants, amount: Math.min(MAX_QUANTITY, sumOf(grants)) }
}

export function sumOf(grants: readonly Grant[]): number {
  return grants.reduce((sum, { amount }) => sum + amount, 0)
}
