import { type Command, Option } from 'commander'
import { CommandFailure } from './failure.ts'
import {
  ask,
  askAdmin,
  expectStatus,
  findAdminToken,
  type GatewayOptions,
  UNAUTHORISED,
  withGateway,
} from './gateway.ts'
import { type Format, print, type Row, withFormat } from './output.ts'

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
  withFormat(withGateway(program.command('receipt')))
    .description('the receipt of one call')
    .argument('<id>', 'the id in x-penstock-request-id: pen_…')
    .addOption(new Option('--key <key>', 'read it as its caller').env('PENSTOCK_KEY'))
    .action(show)
}

async function show(id: string, options: Options, command: Command): Promise<void> {
  const named = command.getOptionValueSource('key') === 'cli'
  const receipt = (await fetchReceipt(id, options, named)) as Receipt
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

/**
 * As the caller when `--key` says so; else as the admin when a token is at hand; else as the caller whose key is in the
 * environment, who is also asked when the token is another gateway's.
 */
async function fetchReceipt(id: string, options: Options, named: boolean): Promise<unknown> {
  const { url, key } = options
  const path = `receipts/${encodeURIComponent(id)}`
  const asCaller = async (secret: string) => expectStatus(await ask(url, `/v1/${path}`, { secret }), 200)
  if (named && key !== undefined) return asCaller(key)
  const found = await findAdminToken(options)
  if (found === null) {
    if (key !== undefined) return asCaller(key)
    throw new CommandFailure('neither a key (--key, PENSTOCK_KEY) nor an admin token (--data) is at hand')
  }
  if (key === undefined) return expectStatus(await askAdmin(options, path), 200)
  const answer = await ask(url, `/admin/v1/${path}`, { secret: found.token })
  return answer.status === UNAUTHORISED ? asCaller(key) : expectStatus(answer, 200)
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
