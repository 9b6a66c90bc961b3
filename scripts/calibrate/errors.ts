import type { Coefficients } from '../../src/simulation/coefficients.ts'
import { closedLoop } from '../../src/simulation/serving/closed-loop.ts'
import type { Measured } from './rows.ts'

/** Absolute relative errors of one row; Infinity where nothing could be predicted. */
export interface RowErrors {
  readonly row: Measured
  readonly outputToken: number
  readonly firstToken: number
}

export function errorsOf(rows: readonly Measured[], coefficients: Coefficients): readonly RowErrors[] {
  return rows.map(row => {
    const predicted = closedLoop(row.point, coefficients)
    if (predicted === null) return { row, outputToken: Infinity, firstToken: Infinity }
    return {
      row,
      outputToken: Math.abs(predicted.timePerOutputTokenMs / row.timePerOutputTokenMs - 1),
      firstToken: Math.abs(predicted.timeToFirstTokenMs / row.timeToFirstTokenMs - 1),
    }
  })
}

/** @returns NaN for nothing */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
