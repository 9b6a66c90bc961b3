import type { Registry } from '../ports/registry.ts'
import { fieldsOf } from '../vocabulary/limit-terms.ts'
import { PLAN_PARTS, type Plan } from '../vocabulary/plan.ts'
import { writePlan } from '../vocabulary/plan-form.ts'
import { type PlanFault, readPlan } from '../vocabulary/plan-terms.ts'
import type { Fault } from './problem.ts'

type Fields = Readonly<Record<string, unknown>>
type Names = Pick<Registry, 'model'>
type ReadPlan = { readonly plan: Plan } | { readonly faults: readonly PlanFault[] }

const CHANGEABLE = ['subscribers', ...PLAN_PARTS]
/** What a plan shows besides, which may be sent along as it is. */
const SHOWN = ['name', 'readOnly', 'createdAt']

/** Reads the body of a new plan; tells every fault at once, names of models that nobody has included. */
export function readNewPlan(body: unknown, names: Names): ReadPlan {
  const fields = fieldsOf(body)
  if (fields === null) return { faults: [{ path: [], sentence: 'expected a plan: name, subscribers and its limits' }] }
  const { name, ...terms } = fields
  const read = readNamed(name, terms, names)
  if ('plan' in read) return read
  // A fault of the name stands where the name does.
  const isOfName = ({ path, sentence }: PlanFault) => path.length === 0 && sentence.startsWith('expected a name of')
  return { faults: read.faults.map(fault => (isOfName(fault) ? { ...fault, path: ['name'] } : fault)) }
}

function readNamed(name: unknown, terms: Fields, names: Names): ReadPlan {
  const read = readPlan(typeof name === 'string' ? name : '', terms)
  const faults = [...('faults' in read ? read.faults : []), ...unknownModels(terms, names)]
  return 'plan' in read && faults.length === 0 ? read : { faults }
}

/** Reads what is to become of a plan: subscribers and parts that are named are in place of those that it had. */
export function readPlanChanges(body: unknown, shown: Fields, names: Names): (before: Plan) => ReadPlan {
  const fields = fieldsOf(body)
  if (fields === null) return () => ({ faults: [{ path: [], sentence: `expected an object with ${sayChangeable()}` }] })
  const fixed = Object.entries(fields).flatMap(([field, value]): readonly PlanFault[] => {
    if (CHANGEABLE.includes(field)) return []
    if (!SHOWN.includes(field)) return [{ path: [field], sentence: `unknown field, expected ${sayChangeable()}` }]
    if (value === shown[field]) return []
    return [{ path: [field], sentence: `expected ${JSON.stringify(shown[field])} as it is` }]
  })
  const changes = Object.entries(fields).filter(([field]) => CHANGEABLE.includes(field))
  if (changes.length === 0) fixed.push({ path: [], sentence: `nothing to change: expected ${sayChangeable()}` })
  return before => {
    const merged = Object.entries({ ...writePlan(before), ...Object.fromEntries(changes) })
    const terms = Object.fromEntries(merged.filter(([field, value]) => value !== null || field === 'subscribers'))
    const read = readNamed(before.name, terms, names)
    const faults = [...fixed, ...('faults' in read ? read.faults : [])]
    return faults.length > 0 ? { faults } : read
  }
}

function sayChangeable(): string {
  return CHANGEABLE.join(', ')
}

/** Faults of a plan in the form of the admin API. */
export function placed(faults: readonly PlanFault[]): readonly Fault[] {
  return faults.map(({ path, sentence }) => ({ place: path.join('.'), message: sentence }))
}

/** Models that limits are for or send calls to, and that are not there. */
function unknownModels(terms: Fields, names: Names): readonly PlanFault[] {
  return PLAN_PARTS.flatMap(part => {
    const limits = terms[part]
    return Array.isArray(limits) ? limits.flatMap((limit: unknown, i) => modelsMissing(limit, [part, i], names)) : []
  })
}

function modelsMissing(limit: unknown, path: PlanFault['path'], names: Names): readonly PlanFault[] {
  const { models, onReached } = fieldsOf(limit) ?? {}
  const places: readonly (readonly [PlanFault['path'], unknown])[] = [
    ...(Array.isArray(models) ? models.map((model: unknown, i) => [[...path, 'models', i], model] as const) : []),
    [[...path, 'onReached', 'downgrade'], fieldsOf(onReached)?.downgrade],
  ]
  return places.flatMap(([at, model]) => {
    const isMissing = typeof model === 'string' && names.model(model) === undefined
    return isMissing ? [{ path: at, sentence: `there is no model '${model.slice(0, 100)}'` }] : []
  })
}
