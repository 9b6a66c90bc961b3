import { declaredLimitId, type Scope } from '../../vocabulary/limit.ts'
import { parseOnReached, parseScope, parseUnit, parseWindow } from '../../vocabulary/limit-terms.ts'
import { isBroken, plainLimit } from './limits.ts'
import { at, checkReference, type Faults, isMapping, items, quoted, type Spot, textOf } from './walk.ts'

/** Names that limits may refer to. Keys, teams, users, tags and runs come into being elsewhere too. */
interface Known {
  readonly models: readonly string[]
  readonly upstreams: readonly string[]
}

function scopeOf(limit: Spot): Scope | null {
  const read = parseScope(textOf(at(limit, 'scope')))
  return 'value' in read ? read.value : null
}

function checkScope(faults: Faults, limit: Spot, known: Known): void {
  const scope = scopeOf(limit)
  if (scope?.kind !== 'model' && scope?.kind !== 'upstream') return
  const names = scope.kind === 'model' ? known.models : known.upstreams
  checkReference(faults, at(limit, 'scope'), { known: names, what: scope.kind, name: scope.name })
}

/** What makes a declared limit that limit, with what it does when it is reached; null when it cannot be read. */
function idOf({ tree }: Spot): string | null {
  if (!isMapping(tree) || isBroken(tree)) return null
  const fields = plainLimit(tree)
  const scope = parseScope(fields.scope)
  const unit = parseUnit(fields.unit)
  if (!('value' in scope && 'value' in unit)) return null
  const window = parseWindow(fields.window, unit.value)
  const onReached = parseOnReached(fields.onReached, fields.wait)
  if (!('value' in window && 'value' in onReached)) return null
  const isShare = typeof fields.amount === 'string' && fields.amount.endsWith('%')
  const identity = {
    scope: scope.value,
    unit: unit.value,
    window: window.value,
    ...(isShare ? { percentOfBudget: 1 } : {}),
  }
  return `${declaredLimitId(identity)} ${onReached.value.kind}`
}

function checkDistinctLimits(faults: Faults, limits: readonly Spot[]): void {
  const lines = new Map<string, number>()
  for (const limit of limits) {
    const id = idOf(limit)
    if (id === null) continue
    const first = lines.get(id)
    if (first === undefined) lines.set(id, faults.lineOf(limit))
    else {
      const problem = `has the scope, unit, window and onReached of the limit on line ${first}`
      faults.add(limit, problem, 'a limit that differs in one of them')
    }
  }
}

/** Which models the limits of a model send its calls to. */
type Downgrades = Map<string, string[]>

/** The shortest way from one model to another; null when there is none. */
function wayBetween(downgrades: Downgrades, from: string, to: string): readonly string[] | null {
  const cameFrom = new Map<string, string | null>([[from, null]])
  for (const model of cameFrom.keys()) {
    if (model === to) {
      const way: string[] = []
      for (let step: string | null = to; step !== null; step = cameFrom.get(step)!) way.unshift(step)
      return way
    }
    for (const next of downgrades.get(model) ?? []) if (!cameFrom.has(next)) cameFrom.set(next, model)
  }
  return null
}

/**
 * Checks where calls are sent. Only limits of models make chains that come back: any other sends a call away once, and
 * binds it no more.
 */
function checkDowngrades(faults: Faults, limits: readonly Spot[], models: readonly string[]): void {
  const downgrades: Downgrades = new Map()
  for (const limit of limits) {
    const spot = at(at(limit, 'onReached'), 'downgrade')
    const to = textOf(spot)
    checkReference(faults, spot, { known: models, what: 'model' })
    const scope = scopeOf(limit)
    if (to === null || !models.includes(to) || scope?.kind !== 'model' || !models.includes(scope.name)) continue
    const from = scope.name
    const back = wayBetween(downgrades, to, from)
    if (from === to) faults.add(spot, `is ${quoted(spot)}, the model that the limit is of`, 'another model')
    else if (back !== null) {
      faults.add(spot, `closes a circle of downgrades, ${[from, ...back].join(' → ')}`, 'a chain that ends')
    } else downgrades.set(from, [...(downgrades.get(from) ?? []), to])
  }
}

/** Checks what limits refer to, and that each stands once. */
export function checkLimits(faults: Faults, root: Spot, known: Known): void {
  const limits = items(at(root, 'limits'))
  for (const limit of limits) checkScope(faults, limit, known)
  checkDistinctLimits(faults, limits)
  checkDowngrades(faults, limits, known.models)
}
