import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { Gateway } from '../gateway/server.ts'
import { createIds } from '../lifecycle/ids.ts'
import { DEFAULT_BOUNDS } from '../lifecycle/world.ts'
import { Escrow } from '../policy/escrow/escrow.ts'
import { receiptOf } from '../policy/receipts/receipt.ts'
import type { Registry } from '../ports/registry.ts'
import { openSqliteStores } from '../stores/sqlite/open.ts'
import { createTelemetry } from '../telemetry/telemetry.ts'
import { openAdmin } from './admin.ts'
import { SYSTEM_CLOCK } from './clock.ts'
import type { Configuration } from './configuration/configuration.ts'
import { ensureAdminToken } from './discovery/adminToken.ts'
import { urlOnThisMachine } from './discovery/firstKey.ts'
import { openPriceBook } from './priceBook.ts'
import { tariffsOf } from './prices.ts'
import { createRegistry } from './registry/registry.ts'
import { openUpstreams } from './upstreams.ts'

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
  { env, note }: Surroundings,
  opened: (() => Promise<void>)[],
): Promise<Omit<Running, 'stop'>> {
  const clock = SYSTEM_CLOCK
  const { dataDirectory, retainMs, upstreams: settings, trustCallers } = configuration
  const telemetry = createTelemetry({ env })
  opened.push(() => telemetry.close())
  const stores = await openSqliteStores({ directory: dataDirectory, retainMs, clock })
  opened.push(() => stores.close())
  const { ledger } = stores
  const registry = createRegistry({ configuration, keyStore: stores.keys, now: clock.now, randomBytes, warn: note })
  const adminToken = configuration.adminToken ?? ensureAdminToken(dataDirectory, note)
  const upstreams = openUpstreams(settings, clock)
  opened.push(() => upstreams.close())
  const book = await openPriceBook(settings.flatMap(({ baseUrl }) => (baseUrl === null ? [] : [baseUrl])))
  const gateway = new Gateway({
    world: {
      clock,
      ledger,
      escrow: new Escrow(),
      observer: telemetry,
      engine: upstreams.engine,
      tariff: tariffsOf(configuration, registry.deployments(), book),
      bounds: DEFAULT_BOUNDS,
    },
    registry,
    ledger,
    trustCallers,
    nextId: createIds(clock, 0, ledger.latestAt),
    receiptOf,
    metrics: () => telemetry.metrics(),
    isAdminToken: secretMatcher(adminToken),
    admin: openAdmin({ registry, ledger, adminToken, receiptOf }),
  })
  const port = await gateway.listen(configuration.listen)
  opened.push(() => gateway.drain(configuration.drainMs))
  return { url: urlOnThisMachine({ ...configuration.listen, port }), registry, adminToken }
}

/** Compares digests, so that neither length nor contents of the token show in the time that it takes. */
function secretMatcher(secret: string): (candidate: string) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = digest(secret)
  return candidate => timingSafeEqual(digest(candidate), expected)
}
