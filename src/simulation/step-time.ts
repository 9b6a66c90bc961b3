import type { DurationMs } from '../units/time.ts'
import type { AcceleratorShape } from './accelerators.ts'
import type { Coefficients, EngineCoefficients, ModelledEngine, SharedCoefficients } from './coefficients.ts'
import { COEFFICIENTS } from './fitted.ts'
import type { ModelShape } from './models.ts'
import { BYTES_PER_PARAMETER, computePeakTflops, type Precision } from './precision.ts'

export type { ModelledEngine } from './coefficients.ts'

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
  /** −log(1 − experts a token / experts), of the tokens of all data-parallel ranks. */
  readonly touchRate: number
  readonly contextTokenMs: number
  readonly windowedContextTokenMs: number
  readonly prefillPairMs: number
  readonly windowedPrefillPairMs: number
  readonly reduceTokenMs: number
  readonly sequenceMs: number
  readonly fixedMs: number
  /** A step with prompts takes no less than this. */
  readonly promptFloorMs: number
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

/**
 * Multiplies the model out for one engine. Source: notes of the step-time model.
 *
 * @param coefficients other than the fitted ones, for the fit itself
 */
export function stepCosts(shape: EngineShape, coefficients: Coefficients = COEFFICIENTS): StepCosts {
  const { model, tensorParallel: tp } = shape
  const own = coefficients.engines[shape.engine]
  const rates = ratesOf(shape, own, coefficients.shared)
  const dense = denseParameters(model)
  const head = model.hidden * model.vocabulary
  const kvLayerMs = kvBytesPerLayer(shape) / rates.kvBytesPerMs
  const pairLayerMs = (4 * model.queryHeads * model.headDim) / tp / rates.attentionFlopsPerMs
  const reduceBytes = (2 * model.layers * model.hidden * 2 * 2 * (tp - 1)) / tp
  return {
    shape,
    denseWeightsMs:
      (dense * BYTES_PER_PARAMETER[shape.precision]) / tp / rates.denseBytesPerMs +
      (head * 2) / tp / rates.headBytesPerMs,
    denseTokenMs: (2 * dense) / tp / rates.denseFlopsPerMs,
    headTokenMs: (2 * head) / tp / rates.headFlopsPerMs,
    ...expertCosts(shape, rates),
    contextTokenMs: model.fullLayers * kvLayerMs,
    windowedContextTokenMs: model.windowLayers * kvLayerMs,
    prefillPairMs: model.fullLayers * pairLayerMs,
    windowedPrefillPairMs: model.windowLayers * pairLayerMs,
    reduceTokenMs: reduceBytes / (own.linkBandwidth * linkOf(shape.accelerator).bytesPerMs),
    sequenceMs: (own.sequenceUs / 1000) * rates.overhead,
    fixedMs: fixedMs(shape, own, coefficients.shared) * rates.overhead,
    promptFloorMs: promptFloorMs(shape, own, coefficients.shared) * rates.overhead,
  }
}

/** The same costs, all of them times a factor. */
export function timesFactor(costs: StepCosts, factor: number): StepCosts {
  if (factor === 1) return costs
  const scaled = Object.entries(costs).map(([name, value]) => [
    name,
    typeof value === 'number' && name.endsWith('Ms') ? value * factor : value,
  ])
  return Object.fromEntries(scaled) as StepCosts
}

/** Bandwidth and teraflops at which the shares of the coefficients hold as they are. */
const REFERENCE_TB_PER_SECOND = 4
const REFERENCE_BF16_TFLOPS = 1000

interface Rates {
  readonly denseBytesPerMs: number
  readonly headBytesPerMs: number
  readonly expertBytesPerMs: number
  readonly kvBytesPerMs: number
  readonly denseFlopsPerMs: number
  readonly headFlopsPerMs: number
  readonly expertFlopsPerMs: number
  readonly attentionFlopsPerMs: number
  readonly overhead: number
}

/** What an accelerator reaches with an engine. */
function ratesOf(shape: EngineShape, own: EngineCoefficients, shared: SharedCoefficients): Rates {
  const { accelerator, precision, expertPrecision, model } = shape
  const native = accelerator.fp4Tflops !== null
  const { memoryTbPerSecond, bf16Tflops } = accelerator
  const bytes = memoryTbPerSecond * 1e9 * (memoryTbPerSecond / REFERENCE_TB_PER_SECOND) ** -shared.bandwidthExponent
  const size = 1e9 * (bf16Tflops / REFERENCE_BF16_TFLOPS) ** -shared.computeExponent
  const flops = (format: Precision) =>
    size * computePeakTflops(accelerator, format) * computeFactor(format, native, shared)
  const latent = model.latentWidth !== null
  return {
    denseBytesPerMs: bytes * own.denseBandwidth * bandwidthFactor(precision, shared),
    headBytesPerMs: bytes * own.denseBandwidth,
    expertBytesPerMs: bytes * own.expertBandwidth * expertBandwidthFactor(expertPrecision, native, shared),
    kvBytesPerMs: bytes * own.kvBandwidth * (latent ? shared.latentBandwidth : 1),
    denseFlopsPerMs: own.denseCompute * flops(precision),
    headFlopsPerMs: own.denseCompute * flops('bf16'),
    expertFlopsPerMs: own.expertCompute * flops(expertPrecision),
    overhead: (memoryTbPerSecond / REFERENCE_TB_PER_SECOND) ** -shared.overheadExponent,
    attentionFlopsPerMs: own.attentionCompute * size * bf16Tflops * (latent ? shared.latentCompute : 1),
  }
}

function bandwidthFactor(precision: Precision, shared: SharedCoefficients): number {
  if (precision === 'bf16') return 1
  if (precision === 'fp8') return shared.fp8Bandwidth
  return precision === 'nvfp4' ? shared.fp4Bandwidth : shared.weightOnlyBandwidth
}

function expertBandwidthFactor(precision: Precision, native: boolean, shared: SharedCoefficients): number {
  if (precision === 'bf16') return 1
  if (precision === 'fp8') return shared.expertFp8Bandwidth
  return native && precision !== 'int4' ? shared.expertFp4Bandwidth : shared.expertWeightOnlyBandwidth
}

/** Four-bit floats are multiplied as they are where the hardware has them, and unpacked elsewhere. */
function computeFactor(precision: Precision, native: boolean, shared: SharedCoefficients): number {
  if (precision === 'bf16') return 1
  if (precision === 'fp8') return shared.fp8Compute
  return native && precision !== 'int4' ? shared.fp4Compute : shared.weightOnlyCompute
}

/**
 * Cards that reach each other through the host have no links of their own, as all measured serving points had: tables of
 * all-reduces on eight RTX PRO 6000 say 24 µs and 24 GB/s of 64, where the H100's links take 5 µs and reach what is rated.
 */
const SLOWEST_OWN_LINK_GB_PER_SECOND = 100
const THROUGH_HOST_SHARE = 0.36
const THROUGH_HOST_MORE_US = 19

function linkOf({ linkGbPerSecond }: AcceleratorShape): { readonly bytesPerMs: number; readonly moreUs: number } {
  const own = linkGbPerSecond >= SLOWEST_OWN_LINK_GB_PER_SECOND
  return {
    bytesPerMs: linkGbPerSecond * 1e6 * (own ? 1 : THROUGH_HOST_SHARE),
    moreUs: own ? 0 : THROUGH_HOST_MORE_US,
  }
}

function expertCosts(shape: EngineShape, rates: Rates) {
  const { model, tensorParallel: tp, dataParallel: dp } = shape
  const { experts } = model
  if (experts === null) return { expertWeightsMs: 0, expertTokenMs: 0, touchRate: 0 }
  const one = experts.layers * 3 * model.hidden * experts.inner
  const bytes = one * experts.count * BYTES_PER_PARAMETER[shape.expertPrecision]
  return {
    expertWeightsMs: bytes / (tp * dp) / rates.expertBytesPerMs,
    expertTokenMs: (2 * experts.perToken * one) / tp / rates.expertFlopsPerMs,
    touchRate: -Math.log1p(-experts.perToken / experts.count) * dp,
  }
}

function fixedMs(
  { model, accelerator, tensorParallel }: EngineShape,
  own: EngineCoefficients,
  shared: SharedCoefficients,
): number {
  const reduceUs = own.reduceUs + linkOf(accelerator).moreUs
  const reduces = tensorParallel > 1 ? 2 * model.layers * reduceUs : 0
  const experts = (model.experts?.layers ?? 0) * own.expertLayerUs
  const latent = model.latentWidth === null ? 0 : model.layers * shared.latentLayerUs
  return (reduces + model.layers * own.layerUs + latent + experts + own.stepUs) / 1000
}

function promptFloorMs({ model }: EngineShape, own: EngineCoefficients, shared: SharedCoefficients): number {
  const latentUs = model.latentWidth === null ? 0 : shared.latentPromptLayerUs
  const experts = (model.experts?.layers ?? 0) * own.promptExpertLayerUs
  return (model.layers * (own.promptLayerUs + latentUs) + experts) / 1000
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

/**
 * Share of the experts that at least one of the tokens goes to. Tokens prefer some experts: where the popularity of
 * experts is distributed exponentially, `1 − e^−x` of even routing becomes `x / (1 + x)`. A fit that had the shape of
 * that distribution free (gamma, 1 is exponential) found 1.0.
 */
export function touchedShare(costs: StepCosts, tokens: number): number {
  const drawn = costs.touchRate * tokens
  return drawn / (1 + drawn)
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
  const time =
    stepBaseMs(costs, batch) +
    batch.contextTokens * costs.contextTokenMs +
    batch.windowedContextTokens * costs.windowedContextTokenMs
  return batch.prefillTokens > 0 && time < costs.promptFloorMs ? costs.promptFloorMs : time
}
