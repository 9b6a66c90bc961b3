import type { Report } from '../twin/report.ts'
import type { ForeseeOptions } from './foreseeOptions.ts'
import { comparisonOf, type Foreseen, figureLines, serviceLines } from './foreseeTables.ts'
import { toCsv } from './output.ts'

/** Writes a report in the form that was asked for. */
export async function render(format: ForeseeOptions['format'], foreseen: Foreseen): Promise<string> {
  switch (format) {
    case 'json':
      return `${JSON.stringify(jsonOf(foreseen), null, 2)}\n`
    case 'csv':
      return csvOf(foreseen)
    case 'html': {
      const { pageOf } = await import('./foreseePage.ts')
      return pageOf(foreseen)
    }
    case 'table':
      return foreseen.rows.length === 1 ? await oneTable(foreseen.rows[0]!.report) : await comparison(foreseen)
  }
}

function jsonOf({ rows, options }: Foreseen): unknown {
  const reports = rows.map(({ variant, report }) => {
    const { policy, varied } = variant
    return { policy, ...(varied && { [varied.name]: varied.value }), seed: options.seed, ...report }
  })
  return options.sweep === null && reports.length === 1 ? reports[0] : reports
}

function csvOf({ rows }: Foreseen): string {
  const flat = rows.map(({ variant, report }) => {
    const { policy, varied } = variant
    const { perTier: _tiers, perTenant: _tenants, unserved: _unserved, ...figures } = report
    return { policy, ...(varied && { [varied.name]: varied.value }), ...flattened(figures) }
  })
  return toCsv(Object.keys(flat[0]!), flat)
}

function flattened(figures: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(figures).flatMap(([name, value]) =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).map(([inner, part]) => [`${name}.${inner}`, part])
        : [[name, value]],
    ),
  )
}

async function comparison(foreseen: Foreseen): Promise<string> {
  const { head, lines } = comparisonOf(foreseen)
  const { default: Table } = await import('cli-table3')
  const table = new Table({
    head,
    colAligns: head.map(name => (name === 'policy' ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  })
  table.push(...lines)
  return `${table.toString()}\n`
}

async function oneTable(report: Report): Promise<string> {
  const { default: Table } = await import('cli-table3')
  const plain = { style: { head: [], border: [], compact: true } }
  const figures = new Table(plain)
  figures.push(...figureLines(report))
  const served = new Table({
    ...plain,
    head: ['', 'requests', 'completed', 'TTFT p50', 'p90', 'p99', 'TPOT p50', 'p90', 'p99', 'goodput/s', 'cached'],
    colAligns: ['left', ...Array<'right'>(10).fill('right')],
  })
  served.push(...serviceLines(report))
  return `${figures.toString()}\n${served.toString()}\n`
}
