import type { FleetDesk } from '../lifecycle/fleet/desk.ts'
import type { HealthBoard } from '../policy/health/board.ts'
import type { ReplicaHealth } from '../telemetry/metrics/health.ts'
import type { EpochMs } from '../units/time.ts'
import type { Model } from '../vocabulary/deployment.ts'

/**
 * How every replica stands, for metrics. Models with breakers of their own may see a deployment that they share
 * differently: the first of them speaks for it.
 */
export function replicaHealth(
  models: readonly Model[],
  { board, fleet }: { readonly board: HealthBoard; readonly fleet: Pick<FleetDesk, 'isAbsent'> },
  now: EpochMs,
): readonly ReplicaHealth[] {
  const seen = new Map<string, readonly ReplicaHealth[]>()
  for (const model of models) {
    for (const deployment of model.deployments) {
      const { name } = deployment
      if (seen.has(name)) continue
      const replicas = board.of(model, deployment).replicas(now)
      const told: ReplicaHealth[] = []
      for (const [replica, { standing, outstanding }] of replicas.entries()) {
        // Places in the list that no address has are no replicas.
        if (fleet.isAbsent(deployment.upstream, replica)) continue
        told.push({ deployment: name, replica, state: standing.kind, outstanding })
      }
      seen.set(name, told)
    }
  }
  return [...seen.values()].flat()
}
