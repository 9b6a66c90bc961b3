import type { HealthBoard } from '../policy/health/board.ts'
import type { ReplicaHealth } from '../telemetry/metrics/health.ts'
import type { EpochMs } from '../units/time.ts'
import type { Model } from '../vocabulary/deployment.ts'

/**
 * How every replica stands, for metrics. Models with breakers of their own may see a deployment that they share
 * differently: the first of them speaks for it.
 */
export function replicaHealth(models: readonly Model[], board: HealthBoard, now: EpochMs): readonly ReplicaHealth[] {
  const seen = new Map<string, readonly ReplicaHealth[]>()
  for (const model of models) {
    for (const deployment of model.deployments) {
      const { name } = deployment
      if (seen.has(name)) continue
      const replicas = board.of(model, deployment).replicas(now)
      seen.set(
        name,
        replicas.map(({ standing, outstanding }, replica) => ({
          deployment: name,
          replica,
          state: standing.kind,
          outstanding,
        })),
      )
    }
  }
  return [...seen.values()].flat()
}
