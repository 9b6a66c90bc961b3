import type { DurationMs } from '../units/time.ts'
import type { AcceleratorShape } from './accelerators.ts'
import type { ModelShape } from './models.ts'
import { BYTES_PER_PARAMETER, computePeakTflops, type Precision } from './precision.ts'

/** Engines for which coefficients were fitted. */
export type ModelledEngine = 'vllm' | 'sglang' | 'trtllm'

/** A model on the accelerators of one replica. */
export interface EngineShape {
  readonly model: ModelShape
  readonly accelerator: AcceleratorShape
  /** Ranks that split each layer. */
  readonly tensorParallel: number
  /** Ranks that have attention to themselves and share the experts; 1 but for large mixtures of experts. */
  readonly dataParallel: number
  readonly engine: ModelledEngine
  /** Of the weights outside of the experts, and in them. */
  readonly precision: Precision
  readonly expertPrecision: Precision
  /** Bytes of one number in the KV cache: 2 for bf16, 1 for fp8. */
  readonly kvBytes: number
}

/** What one step computes, on one data-parallel rank. */
export interface Batch {
  /** Sequences that get one more token. */
  readonly decodeSequences: number
  /** Tokens of prompts. */
  readonly prefillTokens: number
  /** Sum over the decoding sequences of the tokens they attend to, and the same with each cut at the model's window. */
  readonly contextTokens: number
  readonly windowedContextTokens: number
  /** Sum over the chunks of prompts of `chunk × (past + chunk / 2)`, and the same with `past + chunk / 2` cut at the window. */
  readonly prefillPairs: number
  readonly windowedPrefillPairs: number
}

/** The step-time model with everything known beforehand multiplied out; all in milliseconds. */
export interface StepCosts {
  readonly shape: EngineShape
  readonly denseWeightsMs: number
  readonly denseTokenMs: number
  readonly headTokenMs: number
  /** Reading every expert once; 0 for a dense model. */
  readonly expertWeightsMs: number
  readonly expertTokenMs: number
  /** log(1 − experts a token / experts): of the share of experts that a batch leaves untouched. */
  readonly untouchedLog: number
  readonly contextTokenMs: number
  readonly windowedContextTokenMs: number
  readonly prefillPairMs: number
  readonly windowedPrefillPairMs: number
  readonly reduceTokenMs: number
  readonly sequenceMs: number
  readonly fixedMs: number
}

interface Coefficients {
  /** Shares of the peaks: dense weights, dense compute, experts' weights, experts' compute, KV, attention, link. */
  readonly shares: readonly [number, number, number, number, number, number, number]
  /** Microseconds: an all-reduce, a layer, a sequence, a layer of experts, a step. */
  readonly microseconds: readonly [number, number, number, number, number]
}

/**
 * Fitted end to end on 1,433 measured serving points (median error of the time per output token 9.9 %, 13 % on points
 * that were held out). Terms trade off, so values above 1 are not physical.
 */
const COEFFICIENTS: Readonly<Record<ModelledEngine, Coefficients>> = {
  vllm: { shares: [0.78, 0.95, 0.61, 0.31, 0.61, 0.5, 0.3], microseconds: [10, 42, 5, 12, 288] },
  sglang: { shares: [1.1, 0.95, 0.76, 0.2, 0.51, 0.19, 1.2], microseconds: [6, 10, 28, 61, 1996] },
  trtllm: { shares: [0.85, 0.56, 0.86, 0.29, 1.1, 0.51, 0.33], microseconds: [7, 38, 5, 28, 384] },
}

/** Parameters outside of experts and embeddings: attention, dense layers, shared experts. */
export function denseParameters(model: ModelShape): number {
  const { experts, hidden, vocabulary } = model
  const inExperts = experts ? experts.layers * experts.count * 3 * hidden * experts.inner : 0
  return model.parameters - inExperts - 2 * hidden * vocabulary
}

/** Bytes of KV that one rank keeps for a token in one layer. Latent attention is kept whole by each rank. */
export function kvBytesPerLayer({ model, tensorParallel, kvBytes }: EngineShape): number {
  if (model.latentWidth !== null) return model.latentWidth * kvBytes
  return 2 * Math.max(1, model.kvHeads / tensorParallel) * model.headDim * kvBytes
}

/** Multiplies the model out for one engine. Source: notes of the step-time model. */
export function stepCosts(shape: EngineShape): StepCosts {
  const { model, accelerator, tensorParallel: tp } = shape
  const { shares, microseconds } = COEFFICIENTS[shape.engine]
  const bytesPerMs = accelerator.memoryTbPerSecond * 1e9
  const flopsPerMs = (precision: Precision) => computePeakTflops(accelerator, precision) * 1e9
  const dense = denseParameters(model)
  const head = model.hidden * model.vocabulary
  const kvLayerMs = kvBytesPerLayer(shape) / (shares[4] * bytesPerMs)
  const pairLayerMs = (4 * model.queryHeads * model.headDim) / tp / (shares[5] * accelerator.bf16Tflops * 1e9)
  const reduceBytes = (2 * model.layers * model.hidden * 2 * 2 * (tp - 1)) / tp
  return {
    shape,
    denseWeightsMs: (dense * BYTES_PER_PARAMETER[shape.precision] + head * 2) / tp / (shares[0] * bytesPerMs),
    denseTokenMs: (2 * dense) / tp / (shares[1] * flopsPerMs(shape.precision)),
    headTokenMs: (2 * head) / tp / (shares[1] * flopsPerMs('bf16')),
    ...expertCosts(shape, shares, bytesPerMs, flopsPerMs(shape.expertPrecision)),
    contextTokenMs: model.fullLayers * kvLayerMs,
    windowedContextTokenMs: model.windowLayers * kvLayerMs,
    prefillPairMs: model.fullLayers * pairLayerMs,
    windowedPrefillPairMs: model.windowLayers * pairLayerMs,
    reduceTokenMs: reduceBytes / (shares[6] * accelerator.linkGbPerSecond * 1e6),
    sequenceMs: microseconds[2] / 1000,
    fixedMs: fixedMs(shape, microseconds),
  }
}

function expertCosts(shape: EngineShape, shares: Coefficients['shares'], bytesPerMs: number, flopsPerMs: number) {
  const { model, tensorParallel: tp, dataParallel: dp } = shape
  const { experts } = model
  if (experts === null) return { expertWeightsMs: 0, expertTokenMs: 0, untouchedLog: 0 }
  const one = experts.layers * 3 * model.hidden * experts.inner
  const bytes = one * experts.count * BYTES_PER_PARAMETER[shape.expertPrecision]
  return {
    expertWeightsMs: bytes / (tp * dp) / (shares[2] * bytesPerMs),
    expertTokenMs: (2 * experts.perToken * one) / tp / (shares[3] * flopsPerMs),
    untouchedLog: Math.log1p(-experts.perToken / experts.count) * dp,
  }
}

function fixedMs({ model, tensorParallel }: EngineShape, microseconds: Coefficients['microseconds']): number {
  const [reduce, layer, , expertLayer, step] = microseconds
  const reduces = tensorParallel > 1 ? 2 * model.layers * reduce : 0
  return (reduces + model.layers * layer + (model.experts?.layers ?? 0) * expertLayer + step) / 1000
}

/** Time of reading weights, and of computing with them, whichever is longer; dense part and experts after each other. */
export function weightsMs(costs: StepCosts, decodeSequences: number, tokens: number): DurationMs {
  const compute = tokens * costs.denseTokenMs + decodeSequences * costs.headTokenMs
  const dense = compute > costs.denseWeightsMs ? compute : costs.denseWeightsMs
  if (costs.expertWeightsMs === 0) return dense
  const reading = costs.expertWeightsMs * touchedShare(costs, tokens)
  const computing = tokens * costs.expertTokenMs
  return dense + (computing > reading ? computing : reading)
}

/** Share of the experts that at least one of the tokens goes to. */
export function touchedShare(costs: StepCosts, tokens: number): number {
  return 1 - Math.exp(costs.untouchedLog * tokens)
}

/** Everything of a step but the reading of the decoding sequences' KV, which alone changes from step to step. */
export function stepBaseMs(costs: StepCosts, batch: Batch): DurationMs {
  const tokens = batch.decodeSequences + batch.prefillTokens
  return (
    weightsMs(costs, batch.decodeSequences, tokens) +
    batch.prefillPairs * costs.prefillPairMs +
    batch.windowedPrefillPairs * costs.windowedPrefillPairMs +
    tokens * costs.reduceTokenMs +
    batch.decodeSequences * costs.sequenceMs +
    costs.fixedMs
  )
}

/** How long one step takes. */
export function stepTime(costs: StepCosts, batch: Batch): DurationMs {
  return (
    stepBaseMs(costs, batch) +
    batch.contextTokens * costs.contextTokenMs +
    batch.windowedContextTokens * costs.windowedContextTokenMs
  )
}
