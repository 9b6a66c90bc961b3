import { HealthBoard } from '../policy/health/board.ts'
import { Warmth } from '../policy/routing/warmth.ts'
import type { Model } from '../vocabulary/deployment.ts'

/** Memory in which all threads of the data plane keep what they know together. */
export interface Commons {
  /** Which deployments and replicas are well. */
  readonly health: SharedArrayBuffer
  /** Whose prompt caches are warm. */
  readonly warmth: SharedArrayBuffer
}

export function createCommons(models: readonly Model[]): Commons {
  return { health: HealthBoard.memoryFor(models), warmth: Warmth.memory() }
}
