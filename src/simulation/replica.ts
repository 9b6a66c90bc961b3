import { type AcceleratorShape, accelerator as acceleratorNamed } from './accelerators.ts'
import type { EngineOptions } from './engine.ts'
import { BLOCK_TOKENS, kvBlocks, weightBytes } from './memory.ts'
import { type ModelShape, model as modelNamed } from './models.ts'
import { powerModel } from './power.ts'
import { BYTES_PER_PARAMETER, type Precision } from './precision.ts'
import { defaultLimits, type SchedulerLimits } from './scheduler.ts'
import { type EngineShape, type ModelledEngine, stepCosts } from './step-time.ts'

/** A replica as a configuration describes it: a model on so many accelerators of a kind. */
export interface ReplicaDescription {
  /** Of the model table. */
  readonly model: string
  /** `count` accelerators split each layer among them. */
  readonly accelerator: { readonly kind: string; readonly count: number }
  readonly engine?: ModelledEngine
  /** Of the weights; the published checkpoint's when absent. */
  readonly precision?: Precision
  /** Blocks of the KV cache; computed from the memory when absent, Infinity for a cache without bound. */
  readonly kvBlocks?: number
  readonly limits?: Partial<SchedulerLimits>
  readonly tokenEvents?: boolean
}

/** A described replica, ready to be created. */
export interface Replica {
  readonly model: ModelShape
  readonly accelerator: AcceleratorShape
  readonly options: EngineOptions
  /** Longest sequence: what the model was made for, or less where the cache is smaller. */
  readonly contextTokens: number
}

/**
 * Works out everything about a replica from the tables.
 *
 * @throws Error with a sentence when a name is not in the tables or the weights do not fit
 */
export function describeReplica(description: ReplicaDescription): Replica {
  const shape = engineShape(description)
  const limits = { ...defaultLimits(shape.accelerator), ...description.limits }
  const blocks = description.kvBlocks ?? kvBlocks(shape, limits.stepTokens)
  if (!(blocks >= 2)) throw new Error(tooSmall(shape))
  const options: EngineOptions = {
    costs: stepCosts(shape),
    power: powerModel(shape.accelerator),
    limits,
    kvBlocks: blocks,
    blockTokens: BLOCK_TOKENS,
    tokenEvents: description.tokenEvents ?? false,
  }
  const { model, accelerator } = shape
  // A cache without bound lifts the model's own limit too: it answers what an ideal one could reuse.
  const contextTokens = Number.isFinite(blocks) ? Math.min(model.contextTokens, (blocks - 1) * BLOCK_TOKENS) : Infinity
  return { model, accelerator, options, contextTokens }
}

function engineShape(description: ReplicaDescription): EngineShape {
  const model = modelNamed(description.model)
  const { kind, count } = description.accelerator
  if (!Number.isInteger(count) || count < 1) throw new Error(`a replica needs one or more accelerators, not ${count}`)
  return {
    model,
    accelerator: acceleratorNamed(kind),
    tensorParallel: count,
    dataParallel: 1,
    engine: description.engine ?? 'vllm',
    precision: description.precision ?? model.precision,
    expertPrecision: description.precision ?? model.expertPrecision,
    kvBytes: BYTES_PER_PARAMETER.bf16,
  }
}

function tooSmall(shape: EngineShape): string {
  const { model, accelerator, tensorParallel } = shape
  const gigabytes = Math.ceil((weightBytes(shape) * tensorParallel) / 1e9)
  const memory = Math.floor((accelerator.memoryGib * 2 ** 30 * tensorParallel) / 1e9)
  return (
    `${model.name} has ${gigabytes} GB of weights, and ${tensorParallel} × ${accelerator.name} have ${memory} GB of ` +
    'memory, which leaves no room for its KV cache: use more accelerators in a replica'
  )
}
