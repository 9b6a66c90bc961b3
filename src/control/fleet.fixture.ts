import type { Fleet, ReplicaReport } from '../ports/fleet.ts'
import { DEFAULT_TIERS } from '../vocabulary/tier.ts'

const REPLICA: ReplicaReport = {
  replica: 0,
  url: 'http://10.0.0.1:8000/v1',
  state: 'ready',
  running: 5,
  waiting: 3,
  kvUse: 0.42,
  metricsAgeMs: 250.5,
  inFlight: 4,
  places: 64,
  expectedCachedShare: 0.375,
}
const SILENT = {
  running: null,
  waiting: null,
  kvUse: null,
  metricsAgeMs: null,
  places: null,
  expectedCachedShare: null,
}

/** A fleet of one upstream, `pool`: a replica that tells all of itself, and one that has told nothing yet. */
export function memoryFleet(): Fleet {
  const draining = new Set<number>()
  const replicas = (): ReplicaReport[] =>
    [REPLICA, { ...REPLICA, ...SILENT, replica: 1, url: 'http://10.0.0.2:8000/v1', inFlight: 0 }].map(report =>
      draining.has(report.replica) ? { ...report, state: 'draining' } : report,
    )
  const has = (upstream: string, replica: number) => upstream === 'pool' && replica >= 0 && replica < 2
  return {
    report: () => ({
      upstreams: [{ name: 'pool', engine: 'vllm', replicas: replicas() }],
      tiers: DEFAULT_TIERS.map(({ name, weight, timeToFirstTokenMs }) => {
        const waits = name === 'batch'
        return { name, weight, timeToFirstTokenMs, waiting: waits ? 8 : 0, oldestMs: waits ? 1_500 : null }
      }),
    }),
    drain: (upstream, replica) => has(upstream, replica) && draining.add(replica).has(replica),
    resume(upstream, replica) {
      if (has(upstream, replica)) draining.delete(replica)
      return has(upstream, replica)
    },
  }
}
