import type { Coefficients, ModelledEngine } from '../../src/simulation/coefficients.ts'
import { versionKeys } from '../../src/simulation/versions.ts'
import type { Measured } from './rows.ts'

/**
 * What was known before any serving point was looked at, and how sure: shares of peaks from kernel tables (weights are
 * read at 0.55 to 0.79 of the bandwidth, experts at 0.65 to 0.9 in every format but weight-only ones, matrices multiplied at 0.57 to 0.89 of the peak in bf16 and 0.4 to 0.75 of
 * that in narrower formats, decode attention reads at 0.55 to 0.7, prefill attention computes at 0.31 to 0.55, an
 * all-reduce takes 5 to 24 µs), and plausible host times.
 */
const ENGINE = {
  denseBandwidth: 0.75,
  expertBandwidth: 0.75,
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
  clusteredPrefills: 0.4,
  clusteringExponent: 0.4,
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
    expertFp8Bandwidth: 0.97,
    expertFp4Bandwidth: 0.95,
    expertWeightOnlyBandwidth: 0.7,
    weightOnlyBandwidth: 0.85,
    weightOnlyCompute: 0.75,
    latentBandwidth: 1,
    latentCompute: 0.8,
    latentLayerUs: 30,
    latentPromptLayerUs: 250,
  },
  engines: { vllm: ENGINE, sglang: ENGINE, trtllm: ENGINE },
  loops: {
    vllm: LOOPS,
    // Computes all waiting prompts before it decodes on, so that calls that began together stay together.
    sglang: { exact: { ...WAITS, burst: 0.6 }, varied: { ...WAITS, burst: 0.3 } },
    trtllm: LOOPS,
  },
  versions: {},
  firstTokens: {},
}

/** One coefficient; the fit works on its logarithm, so that it stays above 0. */
export interface Parameter {
  readonly path: readonly string[]
  readonly prior: number
  /** Standard deviation of the logarithm from what its family has in common. */
  readonly deviation: number
  /** What it is called in all engines and loops: those are alike. */
  readonly family: string
  /** Standard deviation of that from the prior; 0 for a family of one. */
  readonly familyDeviation: number
}

export function parametersOf(rows: readonly Measured[]): readonly Parameter[] {
  const { shared, engines, loops } = PRIOR
  const factors = (name: 'versions' | 'firstTokens') => {
    const keys = rows.map(({ point }) => versionKeys(point))
    return SET_UP_DEVIATIONS[name].flatMap((deviation, i) =>
      [...new Set(keys.map(each => each[i]!))].map(key => ({
        ...{ path: [name, key], prior: 0, deviation, family: key, familyDeviation: 0 },
      })),
    )
  }
  return [...factors('versions'), ...factors('firstTokens'), ...leaves({ shared, engines, loops }, [])]
}

/**
 * How far set-ups deviate, in the logarithm: those of an engine with a model, of a version with a kind of models, and of
 * a version with one model. Chosen by leaving models and accelerators out.
 */
const SET_UP_DEVIATIONS = {
  versions: [0.15, 0.15, 0.4],
  firstTokens: [0.3, 0.3, 0.7],
} as const

/** How much less engines and loops deviate from each other than all of them together from what was known before. */
const APART = { engines: 0.25, loops: 0.15 } as const

function leaves(value: unknown, path: readonly string[]): readonly Parameter[] {
  if (typeof value === 'number') return [{ path, prior: Math.log(value), family: path.at(-1)!, ...deviationsOf(path) }]
  return Object.entries(value as object).flatMap(([name, inner]) => leaves(inner, [...path, name]))
}

function deviationsOf(path: readonly string[]): { readonly deviation: number; readonly familyDeviation: number } {
  const deviation = priorDeviation(path)
  const [kind] = path
  if (kind !== 'engines' && kind !== 'loops') return { deviation, familyDeviation: 0 }
  return { deviation: APART[kind] * deviation, familyDeviation: deviation }
}

function priorDeviation(path: readonly string[]): number {
  const [kind, name] = [path[0], path.at(-1)!]
  if (kind === 'loops') return LESS_FREE.includes(name) ? 0.3 : 0.5
  if (kind === 'shared' && name.endsWith('Us')) return 0.4
  if (kind === 'shared') return name.endsWith('Exponent') ? 0.2 : 0.075
  return name.endsWith('Us') ? 0.3 : 0.125
}

const LESS_FREE: readonly string[] = ['burst', 'clusteringExponent', 'expertWait']

/**
 * How sure the prior is: the inverse of the covariance of parameters whose families deviate together and whose members
 * deviate from their family.
 */
export function priorPrecision(parameters: readonly Parameter[]): readonly Float64Array[] {
  const matrix = parameters.map(() => new Float64Array(parameters.length))
  const families = Map.groupBy(parameters.keys(), j => `${parameters[j]!.path[0]} ${parameters[j]!.family}`)
  for (const members of families.values()) {
    for (const j of members) {
      const { deviation, familyDeviation } = parameters[j]!
      const together = familyDeviation ** 2 / (deviation ** 2 + members.length * familyDeviation ** 2)
      for (const k of members) matrix[j]![k] = ((j === k ? 1 : 0) - together) / deviation ** 2
    }
  }
  return matrix
}

/** @returns coefficients with the values of parameters */
export function coefficientsOf(parameters: readonly Parameter[], logarithms: ArrayLike<number>): Coefficients {
  const root: Tree = { versions: {}, firstTokens: {} }
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
  if (kind === 'versions' || kind === 'firstTokens') return versionKeys(point).includes(engine!)
  if ((engine as ModelledEngine) !== point.shape.engine) return false
  return kind === 'engines' || (lengths === 'exact') === point.exactLengths
}
