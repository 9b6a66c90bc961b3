import type { LimitChanges } from '../ports/limits.ts'
import type { Registry } from '../ports/registry.ts'
import { type Limit, type LimitTerms, scopeText, windowText } from '../vocabulary/limit.ts'
import {
  parseAmount,
  parseOnReached,
  parseScope,
  parseWindow,
  type Reading,
  readLimitTerms,
  writeLimitTerms,
} from '../vocabulary/limit-terms.ts'
import { shownLimit } from './limit-views.ts'
import type { Fault } from './problem.ts'

const CHANGEABLE = 'amount, onReached (with wait beside queue), or both'
const FIXED_RULE = "scope, unit and window of a limit can't change, make another"

type Fields = Readonly<Record<string, unknown>>
type Names = Pick<Registry, 'model' | 'upstreams'>

/** Reads the body of a new limit; tells every fault at once, names of models and upstreams that nobody has included. */
export function readNewLimit(
  body: unknown,
  names: Names,
): { readonly terms: LimitTerms } | { readonly faults: readonly Fault[] } {
  const read = readLimitTerms(body)
  const fields = fieldsOf(body)
  const faults = [
    ...('faults' in read ? read.faults.map(({ field, sentence }) => ({ place: field, message: sentence })) : []),
    ...(fields === null ? [] : [...unknownScope(fields.scope, names), ...unknownDowngrade(fields, names)]),
  ]
  return 'terms' in read && faults.length === 0 ? { terms: read.terms } : { faults }
}

/**
 * Reads what is to change of a limit: its amount, what happens when it is reached, or both. Whatever else a limit shows
 * may be sent along as it is, so that what was read can be sent back with one field changed.
 */
export function readLimitChanges(
  body: unknown,
  limit: Limit,
  names: Names,
): { readonly changes: LimitChanges } | { readonly faults: readonly Fault[] } {
  const fields = fieldsOf(body)
  if (fields === null) return { faults: [{ place: '', message: `expected an object with ${CHANGEABLE}` }] }
  const faults: Fault[] = []
  function take<T>(place: string, reading: Reading<T>): T | undefined {
    if ('value' in reading) return reading.value
    faults.push({ place, message: reading.fault })
    return undefined
  }
  const amount = 'amount' in fields ? take('amount', parseAmount(fields.amount, limit.unit)) : undefined
  const reached = reachedFields(fields, limit)
  const onReached = reached && take('onReached', parseOnReached(reached.onReached, reached.wait))
  if (reached) faults.push(...unknownDowngrade(reached, names))
  faults.push(...fixedFaults(fields, limit))
  if (faults.length > 0) return { faults }
  if (amount === undefined && onReached === undefined) {
    return { faults: [{ place: '', message: `nothing to change: expected ${CHANGEABLE}` }] }
  }
  return { changes: { ...(amount === undefined ? {} : { amount }), ...(onReached === undefined ? {} : { onReached }) } }
}

function fieldsOf(body: unknown): Fields | null {
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Fields) : null
}

/** What happens when it is reached and its wait are one: either may be sent alone, the other stays where it can. */
function reachedFields(fields: Fields, limit: Limit): Fields | undefined {
  if (!('onReached' in fields || 'wait' in fields)) return undefined
  const now = writeLimitTerms(limit)
  const onReached = 'onReached' in fields ? fields.onReached : now.onReached
  const wait = 'wait' in fields ? fields.wait : onReached === 'queue' ? now.wait : undefined
  return { onReached, wait }
}

/** Of each field that makes a limit the one that it is, whether a value says what the limit says, however written. */
const SAME: Readonly<Record<string, (value: unknown, limit: Limit) => boolean>> = {
  scope: (value, limit) => reads(parseScope(value), scope => scopeText(scope) === scopeText(limit.scope)),
  unit: (value, limit) => value === limit.unit,
  window: (value, limit) => reads(parseWindow(value, limit.unit), it => windowText(it) === windowText(limit.window)),
  id: (value, limit) => value === limit.id,
  readOnly: (value, limit) => value === limit.readOnly,
  createdAt: (value, limit) => value === shownLimit(limit).createdAt,
}

function reads<T>(reading: Reading<T>, isSame: (value: T) => boolean): boolean {
  return 'value' in reading && isSame(reading.value)
}

function fixedFaults(fields: Fields, limit: Limit): readonly Fault[] {
  const shown: Fields = { ...shownLimit(limit) }
  return Object.entries(fields).flatMap(([place, value]): readonly Fault[] => {
    if (place === 'amount' || place === 'onReached' || place === 'wait') return []
    if (!Object.hasOwn(SAME, place)) return [{ place, message: `unknown field, expected ${CHANGEABLE}` }]
    if (SAME[place]!(value, limit)) return []
    const expected = place in shown ? JSON.stringify(shown[place]) : 'nothing'
    return [{ place, message: `expected ${expected} as it is: ${FIXED_RULE}` }]
  })
}

function unknownScope(value: unknown, names: Names): readonly Fault[] {
  const read = parseScope(value)
  if (!('value' in read)) return []
  const { value: scope } = read
  if (scope.kind === 'model') return unknownModel('scope', scope.name, names)
  if (scope.kind !== 'upstream' || names.upstreams().some(({ name }) => name === scope.name)) return []
  return [{ place: 'scope', message: `there is no upstream '${scope.name}'` }]
}

function unknownDowngrade({ onReached, wait }: Fields, names: Names): readonly Fault[] {
  const read = parseOnReached(onReached, wait)
  if (!('value' in read) || read.value.kind !== 'downgrade') return []
  return unknownModel('onReached.downgrade', read.value.model, names)
}

function unknownModel(place: string, name: string, names: Names): readonly Fault[] {
  return names.model(name) ? [] : [{ place, message: `there is no model '${name}'` }]
}
