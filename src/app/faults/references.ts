import { concerns } from '../../engines/faults/choose.ts'
import { FAULT_FIELDS, FAULT_KINDS, type FaultField } from '../../engines/faults/plan.ts'
import { parseDuration } from '../../units/time.ts'
import type { Configuration } from '../configuration/configuration.ts'
import type { ConfigurationDocument } from '../configuration/document.ts'
import type { Fault } from '../configuration/fault.ts'
import { at, checkReference, Faults, items, type Spot, textOf } from '../configuration/walk.ts'

/** Entries of a fault that only some kinds have, by the field that they say something of. */
const ENTRIES: readonly (readonly [entry: string, field: FaultField])[] = [
  ['tokens', 'tokens'],
  ['wait', 'wait'],
  ['status', 'status'],
  ['retryAfter', 'retryAfter'],
  ['retryAfterIn', 'retryAfter'],
]

function checkFields(faults: Faults, fault: Spot): void {
  const kind = FAULT_KINDS.find(name => name === textOf(at(fault, 'kind')))
  if (kind === undefined) return
  const known: readonly FaultField[] = FAULT_FIELDS[kind]
  for (const [entry, field] of ENTRIES) {
    const spot = at(fault, entry)
    if (spot.tree !== undefined && !known.includes(field)) faults.addToName(spot, `has no meaning for ${kind}`)
  }
  const status = at(fault, 'status')
  if (kind === 'status' && status.tree === undefined) faults.add(status, 'is missing', 'a whole number from 400 to 599')
  const form = at(fault, 'retryAfterIn')
  if (form.tree !== undefined && at(fault, 'retryAfter').tree === undefined) {
    faults.addToName(form, 'stands without retryAfter')
  }
}

function checkTimes(faults: Faults, fault: Spot): void {
  const [every, lasts] = [at(fault, 'every'), at(fault, 'for')]
  if (every.tree === undefined) return
  if (lasts.tree === undefined) return faults.addToName(every, 'stands without for', 'how long it lasts each time')
  const everyMs = parseDuration(textOf(every) ?? '')
  const forMs = parseDuration(textOf(lasts) ?? '')
  if (everyMs === null || forMs === null || everyMs > forMs) return
  faults.add(every, 'is no longer than for', 'a time after which it has ended')
}

function checkPlace(faults: Faults, fault: Spot, { upstreams, models }: Configuration): void {
  const deployments = models.flatMap(model => model.deployments)
  const upstream = at(fault, 'upstream')
  const known = ['*', ...upstreams.map(({ name }) => name), ...new Set(deployments.map(({ name }) => name))]
  checkReference(faults, upstream, { known, what: 'upstream or deployment' })
  const struck = deployments.filter(deployment => concerns({ upstream: textOf(upstream) ?? '' }, deployment))
  const replica = at(fault, 'replica')
  const place = Number(textOf(replica) ?? 0)
  const replicas = Math.max(0, ...struck.map(deployment => deployment.replicas))
  if (struck.length === 0 || !(place >= replicas)) return
  faults.add(replica, 'is no replica', replicas === 1 ? '0, the only one' : `a place from 0 to ${replicas - 1}`)
}

/**
 * Checks what the faults of a plan refer to, and what they have beside each other.
 *
 * @param configuration null where it has faults itself, so that nobody knows what there is
 */
export function checkPlanReferences(
  document: ConfigurationDocument,
  file: string,
  configuration: Configuration | null,
): readonly Fault[] {
  const faults = new Faults(document, file)
  for (const fault of items(at(faults.root(), 'faults'))) {
    if (configuration !== null) checkPlace(faults, fault, configuration)
    checkFields(faults, fault)
    checkTimes(faults, fault)
  }
  return faults.found
}
