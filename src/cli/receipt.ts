import type { Command } from 'commander'
import { askAdminOrCaller, expectStatus, withGateway, withKey } from './gateway.ts'
import { type Format, print, type Row, withFormat } from './output.ts'
import type { GatewayOptions } from './whereabouts.ts'

interface Options extends GatewayOptions {
  readonly format: Format
}

interface Receipt extends Row {
  readonly attempts: readonly (Row & { readonly usage: Row | null })[]
}

const CSV_COLUMNS = [
  'id',
  'at',
  'model',
  'outcome',
  'status',
  'deployment',
  'attemptOutcome',
  'inputTokens',
  'cachedInputTokens',
  'outputTokens',
  'dollars',
]

/** Adds `receipt` to the commands. */
export function register(program: Command): void {
  withKey(withFormat(withGateway(program.command('receipt'))), 'read it as its caller')
    .description('the receipt of one call')
    .argument('<id>', 'the id in x-penstock-request-id: pen_…')
    .action(show)
}

async function show(id: string, options: Options, command: Command): Promise<void> {
  const path = `receipts/${encodeURIComponent(id)}`
  const receipt = expectStatus(await askAdminOrCaller(options, command, { admin: path, caller: path }), 200) as Receipt
  if (options.format === 'table')
    return print('table', receipt, { columns: ['field', 'value'], rows: fieldsOf(receipt) })
  const rows = receipt.attempts.map(attempt => ({
    ...receipt,
    ...attempt.usage,
    deployment: attempt.deployment,
    attemptOutcome: attempt.outcome,
    status: attempt.status,
    dollars: attempt.dollars,
  }))
  return print(options.format, receipt, { columns: CSV_COLUMNS, rows })
}

/** A receipt as rows of names and values, an attempt's indented by its number. */
function fieldsOf({ attempts, ...call }: Receipt): readonly Row[] {
  const flat = (prefix: string, row: Row): readonly Row[] =>
    Object.entries(row).flatMap(([name, value]) => {
      if (value !== null && typeof value === 'object' && !Array.isArray(value))
        return flat(`${prefix}${name}.`, value as Row)
      if (!Array.isArray(value)) return [{ field: `${prefix}${name}`, value }]
      return value.map(line => ({
        field: `${prefix}${name}.${(line as Row).unit ?? ''}`,
        value: `${(line as Row).tokens} × $${(line as Row).dollarsPerMillion} / 1M = $${(line as Row).dollars}`,
      }))
    })
  return [...flat('', call), ...attempts.flatMap((attempt, i) => flat(`attempts[${i}].`, attempt))]
}
