import { findAccelerator } from '../../simulation/accelerators.ts'
import { findModel } from '../../simulation/models.ts'
import { describeReplica, type Replica } from '../../simulation/replica.ts'
import type { ModelledEngine } from '../../simulation/step-time.ts'
import type { EngineKind } from '../../vocabulary/deployment.ts'

/** The engine by whose coefficients another one is modelled that nobody has measured. */
export function modelledAs(engine: EngineKind): ModelledEngine {
  return engine === 'sglang' || engine === 'trtllm' ? engine : 'vllm'
}

/**
 * What the tables say of a model on so many accelerators; spelling is forgiven.
 *
 * @param kvBlocks of its cache; computed from the memory when undefined
 * @returns null when model or accelerator is in no table, or the weights do not fit
 */
export function knownReplica(
  engine: EngineKind,
  accelerator: { readonly kind: string; readonly count: number },
  model: string,
  kvBlocks?: number,
): Replica | null {
  if (findModel(model) === undefined || findAccelerator(accelerator.kind) === undefined) return null
  try {
    return describeReplica({
      model,
      accelerator: { kind: accelerator.kind, count: accelerator.count },
      engine: modelledAs(engine),
      ...(kvBlocks === undefined ? {} : { kvBlocks }),
    })
  } catch {
    // Names were looked up before: what is left is a model too large for its accelerators.
    return null
  }
}
