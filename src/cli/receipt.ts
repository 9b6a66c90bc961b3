import type { Command } from 'commander'
import { askAdminOrCaller, expectStatus, withGateway, withKey } from './gateway.ts'
import { type Format, print, printTables, withFormat } from './output.ts'
import { type ReceiptTold, receiptTables } from './receiptView.ts'
import type { GatewayOptions } from './whereabouts.ts'

interface Options extends GatewayOptions {
  readonly format: Format
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
  'replica',
  'tier',
  'queueMs',
  'expectedCachedTokens',
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
  const receipt = expectStatus(
    await askAdminOrCaller(options, command, { admin: path, caller: path }),
    200,
  ) as ReceiptTold
  if (options.format === 'table') return printTables(receiptTables(receipt))
  const rows = receipt.attempts.map(attempt => ({
    ...receipt,
    ...attempt.usage,
    deployment: attempt.deployment,
    replica: attempt.replica,
    expectedCachedTokens: attempt.expectedCachedTokens,
    attemptOutcome: attempt.outcome,
    status: attempt.status,
    dollars: attempt.dollars,
  }))
  return print(options.format, receipt, { columns: CSV_COLUMNS, rows })
}
