import type { Measurement } from '../result.ts'
import type { Running } from '../subject.ts'
import { loadPlain } from '../traffic.ts'
import { type Length, withCpu } from './load.ts'

/**
 * Latency of one caller that asks again when it has its answer, and what the subject itself says in `server-timing`.
 * What was added is left to the report, which takes off what the mock upstream alone took in the same round.
 */
export async function measureLatency(
  target: Running,
  { dialect, seconds }: Length,
): Promise<Pick<Measurement, 'figures' | 'faults'>> {
  const { load, othersCores } = await withCpu(target, () =>
    loadPlain(target, { dialect, connections: 1, seconds, timings: true }),
  )
  if (load.requests === 0) return { figures: {}, faults: ['no call was answered'] }
  const figures: Record<string, number> = {
    p50Ms: load.p50Us / 1000,
    p99Ms: load.p99Us / 1000,
    meanMs: load.meanUs / 1000,
    othersCores,
  }
  if (load.gateway) Object.assign(figures, { gatewayP50Ms: load.gateway.p50Ms, gatewayP99Ms: load.gateway.p99Ms })
  if (load.commit) {
    Object.assign(figures, { commitP50Ms: load.commit.p50Ms, commitP99Ms: load.commit.p99Ms })
    figures.p50WithoutCommitMs = load.p50Us / 1000 - load.commit.p50Ms
  }
  return { figures, faults: load.errors > 0 ? [`${load.errors} of ${load.requests} calls failed`] : [] }
}
