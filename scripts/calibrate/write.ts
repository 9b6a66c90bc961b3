import { type Coefficients, MODELLED_ENGINES } from '../../src/simulation/coefficients.ts'
import { quantile, type RowErrors } from './errors.ts'
import type { Measured } from './rows.ts'

const DIGITS = 3

/** The source of src/simulation/fitted.ts. */
export function fittedSource(coefficients: Coefficients, rows: readonly Measured[]): string {
  return [
    "import type { Coefficients, ModelledEngine } from './coefficients.ts'",
    "import type { Envelope } from './envelope.ts'",
    '',
    '// Written by `npm run calibrate`; decisions/0012 tells how, from what and how well.',
    '',
    `export const COEFFICIENTS: Coefficients = ${literal(coefficients)}`,
    '',
    `export const ENVELOPE: Readonly<Record<ModelledEngine, Envelope>> = ${literal(envelopes(rows))}`,
    '',
  ].join('\n')
}

function literal(value: unknown): string {
  return JSON.stringify(
    value,
    (_, inner) => (typeof inner === 'number' ? Number(inner.toPrecision(DIGITS + 1)) : inner),
    2,
  )
}

function envelopes(rows: readonly Measured[]): Record<string, unknown> {
  return Object.fromEntries(
    MODELLED_ENGINES.map(engine => {
      const points = rows.map(({ point }) => point).filter(({ shape }) => shape.engine === engine)
      const shapes = points.map(({ shape }) => shape)
      const range = (values: readonly number[]) => [Math.min(...values), Math.max(...values)]
      const names = (values: readonly string[]) => [...new Set(values)].sort()
      const envelope = {
        rows: points.length,
        models: names(shapes.map(({ model }) => model.name)),
        accelerators: names(shapes.map(({ accelerator }) => accelerator.name)),
        precisions: names(
          shapes.flatMap(shape => [shape.precision, ...(shape.model.experts ? [shape.expertPrecision] : [])]),
        ),
        tensorParallel: range(shapes.map(({ tensorParallel }) => tensorParallel)),
        dataParallel: range(shapes.map(({ dataParallel }) => dataParallel)),
        concurrency: range(points.map(({ concurrency }) => concurrency)),
        promptTokens: range(points.map(({ promptTokens }) => promptTokens)),
        outputTokens: range(points.map(({ outputTokens }) => outputTokens)),
      }
      return [engine, envelope]
    }),
  )
}

/** Errors under one heading, for every row. */
export interface Column {
  readonly name: string
  readonly errors: readonly RowErrors[]
}

const GROUPS: readonly (readonly [string, (row: Measured) => string])[] = [
  ['all', () => 'all'],
  ['engine', ({ point }) => point.shape.engine],
  ['accelerator', ({ point }) => point.shape.accelerator.name],
  ['model', ({ point }) => point.shape.model.name],
]

/** Median and 90th percentile of the errors in per cent, by engine, accelerator and model, as a Markdown table. */
export function errorTable(columns: readonly Column[], pick: (errors: RowErrors) => number): string {
  const lines = [
    `| | rows | ${columns.map(({ name }) => name).join(' | ')} |`,
    `|---|---|${'---|'.repeat(columns.length)}`,
  ]
  const rows = columns[0]!.errors.map(({ row }) => row)
  for (const [, groupOf] of GROUPS) {
    for (const group of [...new Set(rows.map(groupOf))].sort()) {
      const cells = columns.map(({ errors }) => cell(errors.filter(({ row }) => groupOf(row) === group).map(pick)))
      const count = rows.filter(row => groupOf(row) === group).length
      lines.push(`| ${group} | ${count} | ${cells.join(' | ')} |`)
    }
  }
  return lines.join('\n')
}

function cell(errors: readonly number[]): string {
  return `${(100 * quantile(errors, 0.5)).toFixed(1)} / ${(100 * quantile(errors, 0.9)).toFixed(0)}`
}

/** Replaces what stands between two marks of a document. */
export function replaceMarked(document: string, content: string): string {
  const pattern = /(<!-- errors: begin -->\n)[\s\S]*?(<!-- errors: end -->)/
  if (!pattern.test(document)) throw new Error('the document lacks the marks "<!-- errors: begin -->" and "end"')
  return document.replace(pattern, (_, begin: string, end: string) => `${begin}${content}\n${end}`)
}
