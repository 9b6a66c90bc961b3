import type { MeasureName, Result } from './result.ts'

/**
 * A result that left nothing out, with what it could not know: measures that are younger than it, each from the newest
 * result that has them. What it has itself stays as it was measured, all in one run.
 *
 * @param results in order of time
 */
export function withYoungerMeasures(whole: Result, results: readonly Result[]): Result {
  const has = new Set(whole.measurements.map(({ measure }) => measure))
  let merged = whole
  for (const result of results.filter(({ at }) => at > whole.at).toReversed()) {
    const found = result.measurements.filter(({ measure }) => !has.has(measure))
    if (found.length === 0) continue
    const measures = [...new Set(found.map(({ measure }): MeasureName => measure))]
    for (const measure of measures) has.add(measure)
    const known = new Set(merged.subjects.map(({ name }) => name))
    const { at, commit, changed } = result
    merged = {
      ...merged,
      subjects: [...merged.subjects, ...result.subjects.filter(({ name }) => !known.has(name))],
      measurements: [...merged.measurements, ...found],
      younger: [...(merged.younger ?? []), { at, commit, changed, measures }],
    }
  }
  return merged
}
