import type { ConfigurationDocument } from './document.ts'
import type { Fault } from './fault.ts'
import type { HardwareTables } from './hardware.ts'
import { checkLimits } from './limitReferences.ts'
import { isModelName, isShortName, MODEL_NAME_RULE, SHORT_NAME_RULE } from './names.ts'
import { checkPlans } from './planReferences.ts'
import { checkScheduling } from './schedulingReferences.ts'
import { PRICE_UNITS } from './schema.ts'
import { checkUpstream } from './upstreams.ts'
import { at, checkReference, entries, Faults, items, quoted, type Spot, textOf } from './walk.ts'

/** Says of each value that stood before where it did. */
function checkDistinct(
  faults: Faults,
  spots: readonly Spot[],
  problem: (value: string, firstLine: number) => string,
): void {
  const seen = new Map<string, Spot>()
  for (const spot of spots) {
    const value = textOf(spot)
    if (value === null || value === '') continue
    const first = seen.get(value)
    if (first) faults.add(spot, problem(quoted(spot), faults.lineOf(first)))
    else seen.set(value, spot)
  }
}

/** Says of each upstream and model that stood together before where they did. */
function checkOnce(
  faults: Faults,
  spots: readonly Spot[],
  problem: (model: string, firstLine: number) => string,
): void {
  const lines = new Map<string, number>()
  for (const spot of spots) {
    const upstream = textOf(at(spot, 'upstream'))
    const model = at(spot, 'model')
    if (upstream === null || textOf(model) === null) continue
    const name = `${upstream}/${textOf(model)}`
    const first = lines.get(name)
    if (first !== undefined) faults.add(model, problem(quoted(model), first))
    else lines.set(name, faults.lineOf(model))
  }
}

function checkUpstreams(faults: Faults, root: Spot, hardware: HardwareTables): string[] {
  const upstreams = entries(at(root, 'upstreams'))
  for (const { name, spot } of upstreams) {
    if (!isShortName(name)) faults.addToName(spot, 'cannot be the name of an upstream', SHORT_NAME_RULE)
    checkUpstream(faults, spot, hardware)
  }
  return upstreams.map(({ name }) => name)
}

function checkModels(faults: Faults, root: Spot, upstreams: readonly string[]): string[] {
  const models = entries(at(root, 'models'))
  for (const { name, spot } of models) {
    if (!isModelName(name)) faults.addToName(spot, 'cannot be the name of a model', MODEL_NAME_RULE)
    const deployments = items(at(spot, 'deployments'))
    for (const deployment of deployments) {
      checkReference(faults, at(deployment, 'upstream'), { known: upstreams, what: 'upstream' })
    }
    checkOnce(
      faults,
      deployments,
      (model, line) => `is ${model} of the same upstream a second time; the first is on line ${line}`,
    )
  }
  return models.map(({ name }) => name)
}

function checkPrices(faults: Faults, root: Spot, upstreams: readonly string[]): void {
  const prices = items(at(root, 'prices'))
  for (const price of prices) {
    const upstream = at(price, 'upstream')
    checkReference(faults, upstream, { known: upstreams, what: 'upstream' })
    const priced = PRICE_UNITS.some(unit => at(price, unit).tree !== undefined)
    if (!priced && entries(price).length > 0)
      faults.add(price, 'names no price', `at least one of ${PRICE_UNITS.join(', ')}`)
  }
  checkOnce(
    faults,
    prices,
    (model, line) => `is ${model} of the same upstream a second time; the first price is on line ${line}`,
  )
}

function checkKeys(faults: Faults, root: Spot, models: readonly string[]): void {
  const keys = items(at(root, 'keys'))
  const secrets = keys.map(key => at(key, 'secret'))
  checkDistinct(
    faults,
    keys.map(key => at(key, 'name')),
    (name, line) => `is ${name} a second time; the first is on line ${line}`,
  )
  checkDistinct(faults, secrets, (_, line) => `is that of another key, on line ${line}`)
  const adminToken = textOf(at(root, 'adminToken'))
  for (const secret of secrets) {
    if (adminToken && textOf(secret) === adminToken) faults.add(secret, 'is the admin token', 'a secret of its own')
  }
  for (const key of keys) {
    for (const model of items(at(key, 'models'))) checkReference(faults, model, { known: models, what: 'model' })
    for (const { name, spot } of entries(at(key, 'tags'))) {
      if (!isShortName(name)) faults.addToName(spot, 'cannot be the name of a tag', SHORT_NAME_RULE)
    }
  }
}

/** Checks what refers to what, and what may stand only once. It works on any file, however many other faults it has. */
export function checkReferences(
  document: ConfigurationDocument,
  file: string,
  hardware: HardwareTables,
): readonly Fault[] {
  const faults = new Faults(document, file)
  const root = faults.root()
  const upstreams = checkUpstreams(faults, root, hardware)
  const models = checkModels(faults, root, upstreams)
  checkPrices(faults, root, upstreams)
  checkKeys(faults, root, models)
  checkLimits(faults, root, { models, upstreams })
  checkPlans(faults, root, models)
  checkScheduling(faults, root)
  return faults.found
}
