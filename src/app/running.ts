import { randomBytes } from 'node:crypto'
import type { FaultPlan } from '../engines/faults/plan.ts'
import type { FleetDesk } from '../lifecycle/fleet/desk.ts'
import { openLimits } from '../lifecycle/limits/open.ts'
import { Expectations } from '../policy/estimate/expectation.ts'
import { HealthBoard } from '../policy/health/board.ts'
import { receiptOf } from '../policy/receipts/receipt.ts'
import type { Limits } from '../ports/limits.ts'
import type { Observer } from '../ports/observer.ts'
import type { Registry } from '../ports/registry.ts'
import { openSqliteStores } from '../stores/sqlite/open.ts'
import { createTelemetry } from '../telemetry/telemetry.ts'
import { Owner } from '../threads/owner.ts'
import { limitsOverThreads, plansOverThreads } from '../threads/registry.ts'
import { openAdmin } from './admin.ts'
import { answerCarried } from './carriedAdmin.ts'
import { SYSTEM_CLOCK, SYSTEM_RANDOM } from './clock.ts'
import { type Commons, createCommons } from './commons.ts'
import type { Configuration } from './configuration/configuration.ts'
import { ensureAdminToken } from './discovery/adminToken.ts'
import { urlOnThisMachine } from './discovery/firstKey.ts'
import { openFleet } from './fleet/fleet.ts'
import { openPlane, type PlaneParts } from './plane.ts'
import { openThreads, type ThreadsOptions } from './planeThreads.ts'
import { createRegistry } from './registry/registry.ts'
import { replicaHealth } from './replicaHealth.ts'

/** A gateway that listens. */
export interface Running {
  readonly url: string
  readonly registry: Registry
  readonly adminToken: string
  /** Lets calls in flight finish, writes what is pending, ends everything that was opened. */
  stop(): Promise<void>
}

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  /** By which upstreams fail on purpose; absent or null, they fail when they fail. */
  readonly faultPlan?: FaultPlan | null
  /** Takes a sentence for standard error. */
  note(sentence: string): void
}

/**
 * Opens everything that a configuration asks for and listens.
 *
 * @throws Error with a sentence for the user; what was opened before is closed again
 */
export async function openGateway(configuration: Configuration, surroundings: Surroundings): Promise<Running> {
  const opened: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const close of opened.splice(0).reverse()) await close()
  }
  try {
    return { ...(await open(configuration, surroundings, opened)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** @param opened takes how to close what was opened, in the order of opening */
async function open(
  configuration: Configuration,
  { env, note, faultPlan = null }: Surroundings,
  opened: (() => Promise<void>)[],
): Promise<Omit<Running, 'stop'>> {
  const clock = SYSTEM_CLOCK
  const { dataDirectory, retainMs } = configuration
  const { commons, board, fleet } = openScheduler(configuration, note, opened)
  const health = () => replicaHealth(configuration.models, { board, fleet }, clock.now())
  const telemetry = createTelemetry({ env, health, fleet: () => fleet.report() })
  opened.push(() => telemetry.close())
  const stores = await openSqliteStores({ directory: dataDirectory, retainMs, clock })
  opened.push(() => stores.close())
  const { ledger } = stores
  const limits = await openLimits(configuration, stores.limits, clock)
  opened.push(limits.close)
  const adminToken = configuration.adminToken ?? ensureAdminToken(dataDirectory, note)
  const metrics = () => telemetry.metrics()
  const owned = { desk: limits.desk, ledger, observer: telemetry, places: fleet, metrics }
  const owner = configuration.workers === 1 ? null : new Owner({ ...owned, admin: answerCarried(adminFetch) })
  const registry = createRegistry({
    configuration,
    keyStore: stores.keys,
    now: clock.now,
    randomBytes,
    warn: note,
    ...(owner === null ? {} : { told: owner }),
  })
  const admin = openAdmin({
    registry,
    ledger,
    limits: owner === null ? limits.registry : limitsOverThreads(limits.registry, owner),
    plans: owner === null ? limits.plans : plansOverThreads(limits.plans, owner),
    audits: query => stores.limits.audits(query),
    fleet,
    tiers: configuration.scheduling.tiers,
    note: change => stores.limits.note({ at: clock.now(), ...change }),
    receiptOf,
  })
  function adminFetch(request: Request, address: string | null): Promise<Response> {
    return admin(request, address)
  }
  const port = await listenOn(
    {
      configuration,
      faultPlan,
      registry,
      ledger,
      commons,
      health: board,
      places: fleet,
      adminToken,
      admin,
      metrics,
      note,
    },
    opened,
    {
      owner,
      telemetry,
      limits: limits.desk,
    },
  )
  return { url: urlOnThisMachine({ ...configuration.listen, port }), registry, adminToken }
}

/** Opens what is known of replicas, and who gives places on them. */
function openScheduler(
  configuration: Configuration,
  note: Surroundings['note'],
  opened: (() => Promise<void>)[],
): { readonly commons: Commons; readonly board: HealthBoard; readonly fleet: FleetDesk } {
  const { models } = configuration
  const commons = createCommons(models)
  const board = new HealthBoard(models, commons.health, 0)
  const fleet = openFleet({ configuration, health: board, clock: SYSTEM_CLOCK, random: SYSTEM_RANDOM, note })
  opened.push(() => fleet.close())
  return { commons, board, fleet: fleet.desk }
}

type Parts = Pick<
  PlaneParts,
  'configuration' | 'faultPlan' | 'registry' | 'ledger' | 'commons' | 'places' | 'adminToken' | 'admin' | 'metrics'
> &
  Pick<ThreadsOptions, 'ledger' | 'health' | 'note'>

/** Opens the data plane, in this thread or in several. @returns the port that it listens on */
async function listenOn(
  parts: Parts,
  opened: (() => Promise<void>)[],
  { owner, telemetry, limits }: { owner: Owner | null; telemetry: Observer; limits: Limits },
): Promise<number> {
  const { configuration, registry, ledger } = parts
  if (owner !== null) {
    const threads = await openThreads({ ...parts, owner, keys: () => registry.keys() })
    opened.push(() => threads.drain(configuration.drainMs))
    return threads.port
  }
  const observed = { observer: telemetry, expectations: new Expectations(), limits }
  const gateway = await openPlane({ ...parts, ...observed, instance: 0, latestAt: ledger.latestAt }, opened)
  const port = await gateway.listen(configuration.listen)
  opened.push(() => gateway.drain(configuration.drainMs))
  return port
}
