import { existsSync, readFileSync } from 'node:fs'
import { askedOf } from '../../src/app/predict/columns.ts'
import { readTable } from '../../src/app/predict/table.ts'
import type { ServingPoint } from '../../src/simulation/serving/point.ts'

/** A measured serving point. */
export interface Measured {
  readonly point: ServingPoint
  readonly timeToFirstTokenMs: number
  readonly timePerOutputTokenMs: number
  /** How much it counts in the fit: rows of one sweep repeat each other. */
  readonly weight: number
}

/** From this many rows of one engine, model and accelerator on, each counts less. */
const FULL_SWEEP = 20

/**
 * Reads measured points.
 *
 * @throws Error with a sentence when the file is missing or has a line that the tables lack something for
 */
export function readMeasured(path: string): readonly Measured[] {
  if (!existsSync(path)) throw new Error(`there are no measured serving points at ${path}: the fit needs them`)
  const table = readTable(readFileSync(path))
  if ('fault' in table) throw new Error(`${path}: ${table.fault}`)
  const rows = table.rows.map(({ fields, line }) => {
    const named = Object.fromEntries(table.columns.map((name, i) => [name, fields[i]!]))
    const asked = askedOf(named)
    if (!('point' in asked)) throw new Error(`${path}: line ${line}: ${'fault' in asked ? asked.fault : asked.lacking}`)
    const [timeToFirstTokenMs, timePerOutputTokenMs] = [Number(named.ttft_ms), Number(named.tpot_ms)]
    if (!(timeToFirstTokenMs > 0) || !(timePerOutputTokenMs > 0)) throw new Error(`${path}: line ${line}: no times`)
    return { point: asked.point, timeToFirstTokenMs, timePerOutputTokenMs }
  })
  const sizes = new Map<string, number>()
  for (const { point } of rows) sizes.set(sweepOf(point), (sizes.get(sweepOf(point)) ?? 0) + 1)
  return rows.map(row => ({ ...row, weight: Math.sqrt(FULL_SWEEP / sizes.get(sweepOf(row.point))!) }))
}

function sweepOf({ shape }: ServingPoint): string {
  return `${shape.engine} ${shape.model.name} ${shape.accelerator.name}`
}
