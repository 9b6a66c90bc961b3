import type { Coefficients, ModelledEngine } from '../../src/simulation/coefficients.ts'
import type { Measured } from './rows.ts'

/**
 * What was known before any serving point was looked at, and how sure: shares of peaks from kernel tables (weights are
 * read at 0.55 to 0.79 of the bandwidth, matrices multiplied at 0.57 to 0.89 of the peak in bf16 and 0.4 to 0.75 of
 * that in narrower formats, decode attention reads at 0.55 to 0.7, prefill attention computes at 0.31 to 0.55, an
 * all-reduce takes 5 to 24 µs), and plausible host times.
 */
const ENGINE = {
  denseBandwidth: 0.75,
  expertBandwidth: 0.6,
  kvBandwidth: 0.6,
  denseCompute: 0.75,
  expertCompute: 0.4,
  attentionCompute: 0.45,
  linkBandwidth: 0.6,
  reduceUs: 8,
  layerUs: 25,
  expertLayerUs: 20,
  sequenceUs: 25,
  stepUs: 500,
  promptLayerUs: 250,
  promptExpertLayerUs: 150,
}

const WAITS = {
  ingressMs: 10,
  ingressTokenUs: 2,
  ingressCallUs: 300,
  clusteredPrefills: 0.5,
  queueing: 0.5,
  gathering: 0.01,
  burst: 0.1,
  expertWait: 1,
  coldMs: 100,
}

const LOOPS = { exact: WAITS, varied: WAITS }

export const PRIOR: Coefficients = {
  shared: {
    bandwidthExponent: 0.12,
    computeExponent: 0.14,
    overheadExponent: 0.15,
    fp8Bandwidth: 0.83,
    fp8Compute: 0.75,
    fp4Bandwidth: 0.7,
    fp4Compute: 0.55,
    weightOnlyBandwidth: 0.85,
    weightOnlyCompute: 0.75,
    latentBandwidth: 1,
    latentCompute: 1,
  },
  engines: { vllm: ENGINE, sglang: ENGINE, trtllm: ENGINE },
  loops: {
    vllm: LOOPS,
    // Computes all waiting prompts before it decodes on, so that calls that began together stay together.
    sglang: { exact: { ...WAITS, burst: 0.6 }, varied: { ...WAITS, burst: 0.3 } },
    trtllm: LOOPS,
  },
  versions: {},
}

/** One coefficient; the fit works on its logarithm, so that it stays above 0. */
export interface Parameter {
  readonly path: readonly string[]
  readonly prior: number
  /** Standard deviation of the logarithm. */
  readonly deviation: number
}

export function parametersOf(coefficients: Coefficients): readonly Parameter[] {
  const { shared, engines, loops } = coefficients
  return leaves({ shared, engines, loops }, [])
}

function leaves(value: unknown, path: readonly string[]): readonly Parameter[] {
  if (typeof value === 'number') return [{ path, prior: Math.log(value), deviation: deviationOf(path) }]
  return Object.entries(value as object).flatMap(([name, inner]) => leaves(inner, [...path, name]))
}

function deviationOf(path: readonly string[]): number {
  const name = path.at(-1)!
  if (name === 'expertWait') return 0.3
  if (name === 'burst') return 0.3
  if (path[0] === 'loops') return 0.5
  if (name.endsWith('Exponent')) return 0.2
  if (name.endsWith('Us')) return 0.3
  return path[0] === 'shared' ? 0.075 : 0.125
}

/** @returns coefficients with the values of parameters, without factors of versions */
export function coefficientsOf(parameters: readonly Parameter[], logarithms: ArrayLike<number>): Coefficients {
  const root: Tree = { versions: {} }
  for (const [i, { path }] of parameters.entries()) {
    let at = root
    for (const name of path.slice(0, -1)) {
      at[name] ??= {}
      at = at[name] as Tree
    }
    at[path.at(-1)!] = Math.exp(logarithms[i]!)
  }
  return root as unknown as Coefficients
}

interface Tree {
  [name: string]: number | Tree
}

/** Whether a prediction depends on a parameter at all. */
export function matters({ path }: Parameter, { point }: Measured): boolean {
  const [kind, engine, lengths] = path
  if (kind === 'shared') return true
  if ((engine as ModelledEngine) !== point.shape.engine) return false
  return kind === 'engines' || (lengths === 'exact') === point.exactLengths
}
