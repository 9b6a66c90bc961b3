import { BYTES_PER_PARAMETER } from './precision.ts'
import { denseParameters, type EngineShape, kvBytesPerLayer } from './step-time.ts'

/** Tokens of a block of vLLM's paged KV cache. */
export const BLOCK_TOKENS = 16

const GIB = 2 ** 30
const GB = 1e9
/** vLLM's gpu_memory_utilization of today; 0.9 before 0.22. */
const MEMORY_SHARE = 0.92
/** What the runtime and its graphs take beside weights, activations and KV. */
const RUNTIME_BYTES = 3.5 * GB
const COMMUNICATION_BYTES = 0.4 * GB
/** Activations in units of 2 × tokens of a step × hidden, by tensor parallelism 1, 2, 4, 8. */
const DENSE_ACTIVATIONS = [11, 6.5, 5, 5] as const
const EXPERT_ACTIVATIONS = [22, 13, 10, 10] as const

/** Bytes of weights on one rank, embeddings in bf16. */
export function weightBytes(shape: EngineShape): number {
  const { model, tensorParallel: tp, dataParallel: dp } = shape
  const { experts, hidden, vocabulary } = model
  const inExperts = experts ? experts.layers * experts.count * 3 * hidden * experts.inner : 0
  return (
    (denseParameters(model) * BYTES_PER_PARAMETER[shape.precision] + 2 * hidden * vocabulary * 2) / tp +
    (inExperts * BYTES_PER_PARAMETER[shape.expertPrecision]) / (tp * dp)
  )
}

/** Bytes of KV of one token on one rank, all layers that keep any. Layers with a window keep what they have, as vLLM's pages do. */
export function kvBytesPerToken(shape: EngineShape): number {
  const { fullLayers, windowLayers, windowTokens } = shape.model
  return (fullLayers + (windowTokens > 0 ? windowLayers : 0)) * kvBytesPerLayer(shape)
}

/**
 * Blocks of KV that fit beside the weights. An estimate, on the low side for small cards: where an engine tells its own
 * number, that one wins.
 *
 * @param stepTokens the most tokens that a step computes, for its activations
 * @returns 0 or less when the weights do not fit
 */
export function kvBlocks(shape: EngineShape, stepTokens: number, blockTokens: number = BLOCK_TOKENS): number {
  const { model, accelerator, tensorParallel } = shape
  const factors = model.experts ? EXPERT_ACTIVATIONS : DENSE_ACTIVATIONS
  const factor = factors[Math.min(3, Math.floor(Math.log2(tensorParallel)))]!
  const activations = 2 * stepTokens * model.hidden * factor
  const room =
    MEMORY_SHARE * accelerator.memoryGib * GIB - weightBytes(shape) - activations - COMMUNICATION_BYTES - RUNTIME_BYTES
  return Math.floor(room / (blockTokens * kvBytesPerToken(shape)))
}
