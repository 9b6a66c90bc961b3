import { isShortName, SHORT_NAME_RULE } from './names.ts'
import { at, checkReference, entries, type Faults, items, type Spot } from './walk.ts'

/** Checks names of plans, and the models that their limits are for or send calls to. */
export function checkPlans(faults: Faults, root: Spot, models: readonly string[]): void {
  for (const { name, spot } of entries(at(root, 'plans'))) {
    if (!isShortName(name)) faults.addToName(spot, 'cannot be the name of a plan', SHORT_NAME_RULE)
    for (const { spot: part } of entries(spot)) {
      for (const limit of items(part)) {
        const named = [...items(at(limit, 'models')), at(at(limit, 'onReached'), 'downgrade')]
        for (const model of named) checkReference(faults, model, { known: models, what: 'model' })
      }
    }
  }
}
