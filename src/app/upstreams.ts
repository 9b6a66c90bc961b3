import { concernsUpstream } from '../engines/faults/choose.ts'
import { faultyEngine } from '../engines/faults/engine.ts'
import type { FaultPlan } from '../engines/faults/plan.ts'
import { createHttpClient } from '../engines/http/client.ts'
import { createSimulatedEngine } from '../engines/simulated/engine.ts'
import type { Clock } from '../ports/clock.ts'
import type { EngineClient } from '../ports/engine.ts'
import type { Deployment } from '../vocabulary/deployment.ts'
import type { UpstreamSettings } from './configuration/configuration.ts'
import { MAX_TOTAL_MS } from './configuration/resilience.ts'

/** One client for each upstream, found by a deployment's upstream name. */
export interface Upstreams {
  engine(deployment: Deployment): EngineClient
  close(): Promise<void>
}

/** Faults that upstreams have on purpose, and what decides which calls they strike. */
export interface PlannedFaults {
  readonly plan: FaultPlan
  random(): number
}

/** @param faults null lets upstreams be as they are */
export function openUpstreams(
  settings: readonly UpstreamSettings[],
  clock: Clock,
  faults: PlannedFaults | null,
): Upstreams {
  const open = (upstream: UpstreamSettings) => {
    const client = clientFor(upstream, clock)
    const struck = faults?.plan.faults.some(fault => concernsUpstream(fault, upstream.name))
    return faults !== null && struck ? faultyEngine(client, faults.plan, { clock, random: faults.random }) : client
  }
  const clients = new Map<string, EngineClient>(settings.map(upstream => [upstream.name, open(upstream)]))
  return {
    engine(deployment) {
      const client = clients.get(deployment.upstream)
      if (client === undefined) throw new Error(`no upstream is called ${deployment.upstream}`)
      return client
    },
    async close() {
      await Promise.all([...clients.values()].map(client => client.close()))
    },
  }
}

function clientFor(upstream: UpstreamSettings, clock: Clock): EngineClient {
  if (upstream.simulated !== null) return createSimulatedEngine({ ...upstream.simulated, clock })
  if (upstream.baseUrls.length === 0) throw new Error(`upstream ${upstream.name} has no base URL`)
  return createHttpClient({
    baseUrls: upstream.baseUrls,
    dialects: upstream.dialects,
    apiKey: upstream.apiKey,
    headers: upstream.headers,
    // A plain answer is silent until its end, and how long that may take the model's `total` says.
    silenceTimeoutMs: MAX_TOTAL_MS,
    clock,
  })
}
