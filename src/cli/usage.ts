import type { Command } from 'commander'
import { askAdmin, expectStatus, withGateway } from './gateway.ts'
import { type Format, print, type Row, withFormat } from './output.ts'
import type { GatewayOptions } from './whereabouts.ts'

interface Options extends GatewayOptions {
  readonly by: string
  readonly since?: string
  readonly until?: string
  readonly format: Format
}

const SUMS = [
  'requests',
  'inputTokens',
  'cachedInputTokens',
  'outputTokens',
  'dollars',
  'wastedDollars',
  'unratedAttempts',
]

/** Adds `usage` to the commands. */
export function register(program: Command): void {
  withFormat(withGateway(program.command('usage')))
    .description('what was used, and what it cost')
    .option('--by <dimensions>', 'model, team, user, key, deployment, tag:NAME, with commas between', 'model')
    .option('--since <time>', 'RFC 3339, inclusive')
    .option('--until <time>', 'RFC 3339, exclusive')
    .action(show)
}

async function show(options: Options): Promise<void> {
  const query = new URLSearchParams({ by: options.by })
  if (options.since !== undefined) query.set('since', options.since)
  if (options.until !== undefined) query.set('until', options.until)
  const body = expectStatus(await askAdmin(options, `usage?${query}`), 200) as { rows: readonly Row[]; totals: Row }
  const dimensions = [...new Set(options.by.split(',').map(name => name.trim()))]
  const columns = [...dimensions, ...SUMS]
  const total = { ...body.totals, [dimensions[0]!]: 'total' }
  // A total among the rows would be counted twice by whoever sums a column of the csv.
  const rows = options.format === 'table' ? [...body.rows, total] : body.rows
  await print(options.format, body, { columns, rows })
}
