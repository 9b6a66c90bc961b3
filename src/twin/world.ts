import { DEFAULT_BOUNDS, type World } from '../lifecycle/world.ts'
import { Expectations } from '../policy/estimate/expectation.ts'
import type { HealthBoard } from '../policy/health/board.ts'
import { Warmth } from '../policy/routing/warmth.ts'
import type { EngineClient } from '../ports/engine.ts'
import type { LimitAdmitted } from '../ports/limits.ts'
import type { Observer } from '../ports/observer.ts'
import type { Places } from '../ports/places.ts'
import type { Random } from '../ports/random.ts'
import type { Model } from '../vocabulary/deployment.ts'
import type { VirtualClock } from './clock.ts'
import type { ModelledFleet } from './fleet.ts'

/** More tokens than any recording has: nothing is held back for want of room. */
const PLENTY = Number.MAX_SAFE_INTEGER

/** Every call is admitted at once, with a hold that holds nothing back. */
const ADMITTED: LimitAdmitted = {
  kind: 'admit',
  hold: {
    held: { dollars: null, inputTokens: PLENTY, outputTokens: PLENTY },
    extend: (_more, answer) => answer(true),
    post: () => {},
    void: () => {},
  },
  excluded: [],
  warnings: [],
  overflow: [],
  rate: null,
}

/** What lives are played in. */
export interface WorldParts {
  readonly fleet: ModelledFleet
  readonly clock: VirtualClock
  readonly random: Random
  readonly observer: Observer
  readonly health: HealthBoard
  readonly places: Places
  engine(upstream: string): EngineClient
}

/**
 * A modelled engine says nothing between the first token of an answer and its end, since nobody would look at it: that it
 * is silent for so long means nothing.
 */
export function modelsOf(fleet: ModelledFleet): readonly Model[] {
  return fleet.models.map(model => {
    const { resilience } = model
    return { ...model, resilience: { ...resilience, timeLimits: { ...resilience.timeLimits, idleMs: null } } }
  })
}

/** The world in which a call is served as in production, but for time, chance, engines, and limits, which nobody has. */
export function createWorld(models: readonly Model[], parts: WorldParts): World {
  const { fleet, clock, random, observer } = parts
  const byName = new Map(models.map(model => [model.name, model]))
  return {
    clock,
    random,
    observer,
    ledger: { writable: true, append: (_record, durable) => clock.soon(() => durable(null)) },
    limits: {
      admit: (_call, _need, answer) => {
        answer(ADMITTED)
        return null
      },
    },
    expectations: new Expectations(),
    health: parts.health,
    places: parts.places,
    warmth: new Warmth(Warmth.memory()),
    engine: ({ upstream }) => parts.engine(upstream),
    model: name => byName.get(name),
    tariff: deployment => fleet.tariff(deployment),
    bounds: DEFAULT_BOUNDS,
  }
}
