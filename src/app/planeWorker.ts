import { randomBytes } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import type { FaultPlan } from '../engines/faults/plan.ts'
import type { Gateway } from '../gateway/server.ts'
import { Expectations } from '../policy/estimate/expectation.ts'
import { lineOver } from '../threads/channel.ts'
import { Plane } from '../threads/plane.ts'
import type { EpochMs } from '../units/time.ts'
import type { Key } from '../vocabulary/caller.ts'
import { carryTo } from './carriedAdmin.ts'
import { SYSTEM_CLOCK } from './clock.ts'
import type { Commons } from './commons.ts'
import type { Configuration } from './configuration/configuration.ts'
import { openPlane } from './plane.ts'
import { createRegistry } from './registry/registry.ts'

/** What a thread of the data plane is started with. */
export interface PlaneStart {
  readonly configuration: Configuration
  readonly faultPlan: FaultPlan | null
  readonly adminToken: string
  /** Keys that were made, as they are now; changes are told. */
  readonly keys: readonly Key[]
  readonly instance: number
  readonly commons: Commons
  readonly latestAt: EpochMs
  readonly host: string
  /** The port that all threads share. */
  readonly port: number
}

const ELSEWHERE = new Error('keys are made by the thread that owns the ledger')

async function start(from: PlaneStart): Promise<void> {
  const { configuration, faultPlan, adminToken, keys, instance, commons, latestAt, host, port } = from
  const registry = createRegistry({
    configuration,
    keyStore: { keys: () => keys, create: () => Promise.reject(ELSEWHERE), revoke: () => Promise.reject(ELSEWHERE) },
    now: SYSTEM_CLOCK.now,
    randomBytes,
  })
  const expectations = new Expectations()
  const opened: (() => Promise<void>)[] = []
  let gateway: Gateway | null = null
  const plane = new Plane(lineOver(parentPort!), SYSTEM_CLOCK, {
    addKey: registry.takeKey,
    removeKey: registry.dropKey,
    learn(answers) {
      for (const { key, model, outputTokens } of answers) expectations.learn(key, model, outputTokens)
    },
    async drain(drainMs) {
      await gateway?.drain(drainMs)
      for (const close of opened.reverse()) await close()
    },
  })
  gateway = await openPlane(
    {
      configuration,
      faultPlan,
      registry,
      ledger: plane,
      limits: plane,
      places: plane.places,
      observer: plane,
      expectations,
      adminToken,
      admin: carryTo(request => plane.ask({ is: 'admin', request })),
      metrics: () => plane.ask({ is: 'metrics' }),
      instance,
      commons,
      latestAt,
    },
    opened,
  )
  await gateway.listen({ host, port, reusePort: true })
  plane.listening()
}

await start(workerData as PlaneStart)
