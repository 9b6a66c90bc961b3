/** Engines for which coefficients were fitted. */
export const MODELLED_ENGINES = ['vllm', 'sglang', 'trtllm'] as const
export type ModelledEngine = (typeof MODELLED_ENGINES)[number]

/** How one engine uses an accelerator: shares of the peaks, and microseconds that no peak explains. */
export interface EngineCoefficients {
  /** Shares of the memory's bandwidth in reading weights outside of the experts, experts' weights and the KV cache. */
  readonly denseBandwidth: number
  readonly expertBandwidth: number
  readonly kvBandwidth: number
  /** Shares of the peak in multiplying with weights outside of the experts, with experts' weights, and in attention. */
  readonly denseCompute: number
  readonly expertCompute: number
  readonly attentionCompute: number
  /** Share of the link to the neighbours in all-reduces, and what one costs beside its bytes. */
  readonly linkBandwidth: number
  readonly reduceUs: number
  /** Of a layer, of the experts of a layer, of a sequence in the batch, and of a step. */
  readonly layerUs: number
  readonly expertLayerUs: number
  readonly sequenceUs: number
  readonly stepUs: number
  /** Least time of a layer in a step with prompts, which is no recorded graph but launched kernel by kernel. */
  readonly promptLayerUs: number
  /** The same, of the experts of a layer. */
  readonly promptExpertLayerUs: number
}

/** What all engines have in common. */
export interface SharedCoefficients {
  /** The larger an accelerator, the smaller the share of its peaks that kernels reach: share × (peak / reference)^−exponent. */
  readonly bandwidthExponent: number
  readonly computeExponent: number
  /** What no peak explains is less on larger accelerators, which are the newer ones too: × (TB/s / reference)^−exponent. */
  readonly overheadExponent: number
  /** Shares of formats in relation to bf16. */
  readonly fp8Bandwidth: number
  readonly fp8Compute: number
  readonly fp4Bandwidth: number
  readonly fp4Compute: number
  /** The same in reading experts' weights, of which kernels reach as much in narrow formats as in wide ones. */
  readonly expertFp8Bandwidth: number
  readonly expertFp4Bandwidth: number
  readonly expertWeightOnlyBandwidth: number
  /** Of weights in four bits that are multiplied in another format (MXFP4 and int4). */
  readonly weightOnlyBandwidth: number
  readonly weightOnlyCompute: number
  /** Of multi-head latent attention in relation to grouped queries. */
  readonly latentBandwidth: number
  readonly latentCompute: number
  /** What its many small kernels add to a layer, and to the least time of a layer in a step with prompts. */
  readonly latentLayerUs: number
  readonly latentPromptLayerUs: number
}

/** How a benchmark with so many calls at once meets an engine. */
export interface LoopCoefficients {
  /** From a call's arrival at the server to the scheduler, and back with the first token; and for each token of its prompt. */
  readonly ingressMs: number
  readonly ingressTokenUs: number
  /** What the server's other work adds to that, for each call under way. */
  readonly ingressCallUs: number
  /**
   * Prefills of others that a call waits for beside those that chance brings: × others^exponent; and how much of those by
   * chance it meets.
   */
  readonly clusteredPrefills: number
  readonly clusteringExponent: number
  readonly queueing: number
  /** How many more prompts of others share the steps of a call's prefill, for each call under way. */
  readonly gathering: number
  /** Share of the calls that begin all at once, as the first of a benchmark do. */
  readonly burst: number
  /** How much longer that wait is with a mixture of experts. */
  readonly expertWait: number
  /** What the first call pays for compilations and graphs, spread over all calls of the loop: milliseconds × concurrency. */
  readonly coldMs: number
}

export interface Coefficients {
  /** By engine and model, engine and version, and all three: how much longer a step takes than with the engine in general. */
  readonly versions: Readonly<Record<string, number>>
  /** The same of the time to first token in a closed loop, beside what longer steps make of it. */
  readonly firstTokens: Readonly<Record<string, number>>
  readonly shared: SharedCoefficients
  readonly engines: Readonly<Record<ModelledEngine, EngineCoefficients>>
  /** With lengths that all calls have in common, and with lengths that differ. */
  readonly loops: Readonly<
    Record<ModelledEngine, { readonly exact: LoopCoefficients; readonly varied: LoopCoefficients }>
  >
}
