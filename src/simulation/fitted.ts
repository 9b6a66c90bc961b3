import type { Coefficients, EngineCoefficients, LoopCoefficients } from './coefficients.ts'

const ENGINE: EngineCoefficients = {
  denseBandwidth: 0.75, expertBandwidth: 0.6, kvBandwidth: 0.6, denseCompute: 0.75, expertCompute: 0.4, attentionCompute: 0.45,
  linkBandwidth: 0.6, reduceUs: 8, layerUs: 25, expertLayerUs: 20, sequenceUs: 25, stepUs: 500, promptLayerUs: 250,
}
const LOOP: LoopCoefficients = { ingressMs: 10, ingressTokenUs: 2, ingressCallUs: 300, clusteredPrefills: 0.5, queueing: 0.5, gathering: 0.01, burst: 0.1, coldMs: 100 }
export const FITTED: Coefficients = {
  shared: {
    bandwidthExponent: 0.12, computeExponent: 0.14, overheadExponent: 0.15, fp8Bandwidth: 0.83, fp8Compute: 0.75, fp4Bandwidth: 0.7, fp4Compute: 0.55,
    weightOnlyBandwidth: 0.7, weightOnlyCompute: 0.6, latentBandwidth: 1, latentCompute: 1,
  },
  versions: {},
  engines: { vllm: ENGINE, sglang: ENGINE, trtllm: ENGINE },
  loops: { vllm: { exact: LOOP, varied: LOOP }, sglang: { exact: { ...LOOP, burst: 0.6 }, varied: { ...LOOP, burst: 0.3 } }, trtllm: { exact: LOOP, varied: LOOP } },
}
