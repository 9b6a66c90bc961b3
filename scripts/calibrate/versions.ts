import type { Coefficients } from '../../src/simulation/coefficients.ts'
import { closedLoop } from '../../src/simulation/serving/closed-loop.ts'
import { versionKeys } from '../../src/simulation/versions.ts'
import { quantile } from './errors.ts'
import type { Measured } from './rows.ts'

/** With fewer rows than this a factor is less than half of what the rows say. */
const ROWS_FOR_HALF = 8
/** The same for the models that a version's factor for models which were not measured with it comes from. */
const MODELS_FOR_HALF = 2

/**
 * Adds how much longer a step takes with each version than with its engine in general: of each model that was measured
 * with it the median over the rows, and of others the mean of these, both drawn towards 1 where little was measured.
 */
export function withVersions(rows: readonly Measured[], coefficients: Coefficients): Coefficients {
  const byModel = new Map<string, { readonly kind: string; readonly logarithms: number[] }>()
  for (const { point, timePerOutputTokenMs } of rows) {
    const predicted = closedLoop(point, coefficients)
    if (predicted === null) continue
    const [own, kind] = versionKeys(point.shape.engine, point.engineVersion, point.shape.model)
    const entry = byModel.get(own) ?? { kind, logarithms: [] }
    entry.logarithms.push(Math.log(timePerOutputTokenMs / predicted.timePerOutputTokenMs))
    byModel.set(own, entry)
  }
  const versions: Record<string, number> = {}
  const byKind = new Map<string, number[]>()
  for (const [own, { kind, logarithms }] of byModel) {
    const median = quantile(logarithms, 0.5)
    versions[own] = Math.exp((median * logarithms.length) / (logarithms.length + ROWS_FOR_HALF))
    byKind.set(kind, [...(byKind.get(kind) ?? []), median])
  }
  for (const [kind, medians] of byKind) {
    versions[kind] = Math.exp(medians.reduce((sum, each) => sum + each, 0) / (medians.length + MODELS_FOR_HALF))
  }
  return { ...coefficients, versions }
}
