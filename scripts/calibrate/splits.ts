import { errorsOf, type RowErrors } from './errors.ts'
import { fitCoefficients } from './fit.ts'
import type { Measured } from './rows.ts'

/** Parts of the rows that are left out in turn, by chance. */
const FOLDS = 5

/** How rows are told apart for being left out together. */
export interface Split {
  readonly name: string
  readonly partOf: (row: Measured) => string
}

/**
 * By chance: the same point under two names of a model, or measured twice, is left out together. By model and by
 * accelerator: all rows of one.
 */
export const SPLITS: readonly Split[] = [
  { name: 'rows left out by chance', partOf: ({ point }) => String(hash(describe(point)) % FOLDS) },
  { name: 'models left out', partOf: ({ point }) => point.shape.model.name },
  { name: 'accelerators left out', partOf: ({ point }) => point.shape.accelerator.name },
]

function describe(point: Measured['point']): string {
  const { shape, ...use } = point
  const { model, accelerator, ...others } = shape
  return JSON.stringify([model.name, accelerator.name, others, use])
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const character of text) value = Math.imul(value ^ character.charCodeAt(0), 0x01000193) >>> 0
  return value
}

/** Fits without each part in turn and predicts it. */
export function heldOut(
  rows: readonly Measured[],
  { partOf }: Split,
  tell: (line: string) => void,
): readonly RowErrors[] {
  const parts = Map.groupBy(rows, partOf)
  return [...parts].flatMap(([part, left]) => {
    tell(`  without ${part} (${left.length} rows)`)
    return errorsOf(left, fitCoefficients(rows.filter(row => partOf(row) !== part)))
  })
}
