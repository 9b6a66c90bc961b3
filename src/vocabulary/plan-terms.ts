import type { LimitTerms, LimitUnit, OnReached, PlanPart, Scope } from './limit.ts'
import {
  fieldsOf,
  LIMIT_FIELDS,
  parseAmount,
  parseOnReached,
  parseScope,
  parseUnit,
  parseWindow,
  quote,
  type Reading,
} from './limit-terms.ts'
import { isLabel, isShortName, LABEL_RULE, SHORT_NAME_RULE } from './names.ts'
import { PLAN_PARTS, type Plan, type PlanLimit, planLimitId } from './plan.ts'
import { Faults, type PlanFault, readBurn, readGrants, readSeats } from './plan-amounts.ts'

export type { PlanFault } from './plan-amounts.ts'

const PLAN_FIELDS = ['subscribers', ...PLAN_PARTS]
const PLAN_LIMIT_FIELDS = [...LIMIT_FIELDS, 'seats', 'grants', 'except', 'models', 'weights', 'multipliers']
const CALLERS = 'organisation, team:N, user:N, key:N or tag:K=V'
const INSIDE = 'plan, each: of team, user, key, run, or one of them by name, or tag:K=V'

/**
 * Reads a plan as configuration and admin API write it, and tells all its faults at once.
 *
 * @param name the key under which it stands
 * @param value `{ subscribers, limits?, included?, overflow? }`, each of the last three a list of limits whose amount may
 *   be `seats` or `grants` instead, with `except`, `models`, `weights` and `multipliers` besides
 */
export function readPlan(
  name: string,
  value: unknown,
): { readonly plan: Plan } | { readonly faults: readonly PlanFault[] } {
  const faults = new Faults()
  if (!isShortName(name)) faults.add([], `expected a name of ${SHORT_NAME_RULE}; got ${quote(name)}`)
  const fields = fieldsOf(value)
  if (fields === null) {
    faults.add([], `expected a plan; got ${quote(value)}`)
    return { faults: faults.all }
  }
  faults.unknown([], fields, PLAN_FIELDS)
  const subscribers = readCallers(faults, ['subscribers'], fields.subscribers)
  if (PLAN_PARTS.every(part => fields[part] === undefined)) faults.add([], `expected one of ${PLAN_PARTS.join(', ')}`)
  if (fields.overflow !== undefined && fields.included === undefined) {
    faults.add(['overflow'], 'expected included beside it: nothing else flows over')
  }
  const ids = new Set<string>()
  const read = (part: PlanPart) =>
    fields[part] === undefined
      ? []
      : readPart(faults, { plan: name, part, value: fields[part], ids, flowsOver: fields.overflow !== undefined })
  const plan = { name, subscribers, limits: read('limits'), included: read('included'), overflow: read('overflow') }
  return faults.all.length > 0 ? { faults: faults.all } : { plan }
}

function readCallers(faults: Faults, list: PlanFault['path'], value: unknown): readonly Scope[] {
  const scopes: Scope[] = []
  for (const [path, entry] of faults.entries(list, value, CALLERS)) {
    const scope = faults.take(path, parseScope(entry))
    if (scope === null) continue
    if (!['organisation', 'team', 'user', 'key', 'tag'].includes(scope.kind)) {
      faults.add(path, `expected ${CALLERS}; got ${quote(entry)}`)
    } else scopes.push(scope)
  }
  return scopes
}

interface PartOf {
  readonly plan: string
  readonly part: PlanPart
  readonly value: unknown
  /** Of all limits of the plan. */
  readonly ids: Set<string>
  /** Whether what is included flows over where it ends. */
  readonly flowsOver: boolean
}

function readPart(faults: Faults, { plan, part, value, ids, flowsOver }: PartOf): readonly PlanLimit[] {
  const limits: PlanLimit[] = []
  for (const [path, entry] of faults.entries([part], value, 'limits')) {
    const limit = readPlanLimit(faults, path, { plan, value: entry, isIncluded: part === 'included', flowsOver })
    if (limit === null) continue
    const id = planLimitId(plan, part, limit)
    if (ids.has(id)) faults.add(path, 'stands twice: a limit is its scope, unit, window and models')
    ids.add(id)
    limits.push(limit)
  }
  return limits
}

interface EntryOf {
  readonly plan: string
  readonly value: unknown
  readonly isIncluded: boolean
  readonly flowsOver: boolean
}

function readPlanLimit(faults: Faults, path: PlanFault['path'], entry: EntryOf): PlanLimit | null {
  const fields = fieldsOf(entry.value)
  if (fields === null) return faults.add(path, `expected a limit; got ${quote(entry.value)}`)
  faults.unknown(path, fields, PLAN_LIMIT_FIELDS)
  const scope = faults.take([...path, 'scope'], parseInside(fields.scope, entry.plan))
  const unit = faults.take([...path, 'unit'], parseUnit(fields.unit))
  const windowValue = fields.grants !== undefined && fields.window === undefined ? 'total' : fields.window
  const window = faults.take([...path, 'window'], parseWindow(windowValue, unit))
  const amount = readAmount(faults, path, { fields, unit, scope, window })
  const onReached = faults.take([...path, 'onReached'], parseReached(fields, entry))
  const except = fields.except === undefined ? [] : readCallers(faults, [...path, 'except'], fields.except)
  const models = fields.models === undefined ? null : readModels(faults, [...path, 'models'], fields.models)
  const { weights, multipliers } = fields
  const burn = readBurn(faults, path, { weights, multipliers, unit })
  if (scope === null || unit === null || window === null || amount === null || onReached === null) return null
  return { scope, unit, window, onReached, except, models, ...amount, ...(burn === undefined ? {} : { burn }) }
}

function parseInside(value: unknown, plan: string): Reading<Scope> {
  if (value === 'plan') return { value: { kind: 'plan', name: plan } }
  const reading = parseScope(value)
  const isInside = 'value' in reading && !['organisation', 'model', 'upstream'].includes(reading.value.kind)
  return isInside ? reading : { fault: `expected ${INSIDE}; got ${quote(value)}` }
}

function parseReached({ onReached, wait }: Readonly<Record<string, unknown>>, entry: EntryOf): Reading<OnReached> {
  const { isIncluded, flowsOver } = entry
  if (onReached === 'overflow') {
    return isIncluded && flowsOver
      ? { value: { kind: 'overflow' } }
      : { fault: 'expected overflow only in included, of a plan that has overflow' }
  }
  if (onReached === undefined && wait === undefined && isIncluded && flowsOver) return { value: { kind: 'overflow' } }
  return parseOnReached(onReached, wait)
}

function readModels(faults: Faults, path: PlanFault['path'], value: unknown): readonly string[] {
  const models: string[] = []
  for (const [at, entry] of faults.entries(path, value, 'models')) {
    if (typeof entry === 'string' && isLabel(entry)) models.push(entry)
    else faults.add(at, `expected a model, ${LABEL_RULE}; got ${quote(entry)}`)
  }
  return models
}

interface AmountOf {
  readonly fields: Readonly<Record<string, unknown>>
  readonly unit: LimitUnit | null
  readonly scope: Scope | null
  readonly window: LimitTerms['window'] | null
}

type AmountTerms = Pick<PlanLimit, 'amount' | 'seats' | 'grants'>

function readAmount(
  faults: Faults,
  path: PlanFault['path'],
  { fields, unit, scope, window }: AmountOf,
): AmountTerms | null {
  const given = ['amount', 'seats', 'grants'].filter(field => fields[field] !== undefined)
  if (given.length !== 1) return faults.add(path, 'expected one of amount, seats, grants')
  if (fields.seats !== undefined) {
    if (window !== null && window.kind !== 'calendar' && window.kind !== 'cycle') {
      faults.add(
        [...path, 'window'],
        'expected a calendar or cycle beside seats, since fewer count from the next period',
      )
    }
    if (scope?.kind === 'each')
      faults.add([...path, 'scope'], 'expected plan or a name beside seats: they are one pool')
    return readSeats(faults, [...path, 'seats'], { value: fields.seats, unit })
  }
  if (fields.grants === undefined) {
    const amount = faults.take([...path, 'amount'], parseAmount(fields.amount, unit))
    return amount === null ? null : { amount, seats: null }
  }
  if (unit === 'concurrency') faults.add([...path, 'grants'], 'expected no grants of calls at once')
  if (window !== null && window.kind !== 'total') faults.add([...path, 'window'], 'expected no window beside grants')
  const isOfRuns = scope !== null && (scope.kind === 'run' || (scope.kind === 'each' && scope.of === 'run'))
  if (isOfRuns) faults.add([...path, 'grants'], 'expected no grants of runs, which are forgotten')
  const read = readGrants(faults, [...path, 'grants'], { value: fields.grants, unit })
  return read === null ? null : { ...read, seats: null }
}
