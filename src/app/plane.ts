import { createHash, timingSafeEqual } from 'node:crypto'
import { type AdminFetch, adminHandler } from '../control/handler.ts'
import { randomFrom } from '../engines/faults/choose.ts'
import type { FaultPlan } from '../engines/faults/plan.ts'
import { Gateway } from '../gateway/server.ts'
import { createIds } from '../lifecycle/ids.ts'
import { DEFAULT_BOUNDS } from '../lifecycle/world.ts'
import type { Expectations } from '../policy/estimate/expectation.ts'
import { HealthBoard } from '../policy/health/board.ts'
import { receiptOf } from '../policy/receipts/receipt.ts'
import { Warmth } from '../policy/routing/warmth.ts'
import type { LedgerStore } from '../ports/ledger.ts'
import type { Limits } from '../ports/limits.ts'
import type { Observer } from '../ports/observer.ts'
import type { Places } from '../ports/places.ts'
import type { Registry } from '../ports/registry.ts'
import type { EpochMs } from '../units/time.ts'
import { SYSTEM_CLOCK, SYSTEM_RANDOM } from './clock.ts'
import type { Commons } from './commons.ts'
import type { Configuration } from './configuration/configuration.ts'
import { openPriceBook } from './priceBook.ts'
import { tariffsOf } from './prices.ts'
import { openUpstreams } from './upstreams.ts'

/** What a data plane needs besides its upstreams: of these there is one, whatever the number of planes. */
export interface PlaneParts {
  readonly configuration: Configuration
  /** By which upstreams fail on purpose; null for not at all. */
  readonly faultPlan: FaultPlan | null
  readonly registry: Registry
  readonly ledger: Pick<LedgerStore, 'append' | 'writable' | 'receipt'>
  readonly limits: Limits
  readonly observer: Observer
  /** Who gives places on owned engines. */
  readonly places: Places
  /** What this plane has learnt of answers. */
  readonly expectations: Expectations
  readonly adminToken: string
  readonly admin: AdminFetch
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  /** Number of this plane among those that share a ledger. */
  readonly instance: number
  /** What planes know together. */
  readonly commons: Commons
  /** No id of this plane lies before. */
  readonly latestAt: EpochMs
}

/**
 * A data plane: a gateway with clients of every upstream.
 *
 * @param opened takes how to close what was opened, in the order of opening
 */
export async function openPlane(parts: PlaneParts, opened: (() => Promise<void>)[]): Promise<Gateway> {
  const { configuration, faultPlan, registry, ledger, limits, observer, expectations } = parts
  const { adminToken, instance, latestAt, commons } = parts
  const clock = SYSTEM_CLOCK
  // Planes draw apart from each other: with the same numbers, the same calls of each would be struck.
  const faults = faultPlan === null ? null : { plan: faultPlan, random: randomFrom(faultPlan.seed + instance) }
  const upstreams = openUpstreams(configuration.upstreams, clock, faults)
  opened.push(() => upstreams.close())
  const book = await openPriceBook(configuration.upstreams.flatMap(({ baseUrls }) => baseUrls))
  return new Gateway({
    world: {
      clock,
      random: SYSTEM_RANDOM,
      health: new HealthBoard(registry.models(), commons.health, instance),
      warmth: new Warmth(commons.warmth),
      places: parts.places,
      ledger,
      limits,
      expectations,
      model: name => registry.model(name),
      observer,
      engine: upstreams.engine,
      tariff: tariffsOf(configuration, registry.deployments(), book),
      bounds: DEFAULT_BOUNDS,
    },
    registry,
    ledger,
    limits,
    tiers: configuration.scheduling.tiers,
    trustCallers: configuration.trustCallers,
    nextId: createIds(clock, instance, latestAt),
    receiptOf,
    metrics: () => parts.metrics(),
    isAdminToken: secretMatcher(adminToken),
    admin: adminHandler(parts.admin, adminToken),
  })
}

/** Compares digests, so that neither length nor contents of the token show in the time that it takes. */
function secretMatcher(secret: string): (candidate: string) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = digest(secret)
  return candidate => timingSafeEqual(digest(candidate), expected)
}
