import type { Command } from 'commander'
import { CommandFailure } from './failure.ts'
import { askAdminOrCaller, expectStatus, withGateway, withKey } from './gateway.ts'
import { type LimitTold, readLimits, resetsWords, windowWords } from './limitView.ts'
import { type Format, print, type Row, withFormat } from './output.ts'
import type { GatewayOptions } from './whereabouts.ts'

interface Options extends GatewayOptions {
  readonly scope?: string
  readonly format: Format
}

const TABLE_COLUMNS = ['scope', 'unit', 'window', 'used', 'held', 'left', 'amount', 'resets']
const CSV_COLUMNS = ['scope', 'unit', 'window', 'amount', 'used', 'held', 'left', 'resetsAt', 'id', 'plan']

/** Adds `limits` to the commands. */
export function register(program: Command): void {
  withKey(withFormat(withGateway(program.command('limits'))), "the limits that bind this key's caller")
    .description('what is used, held and left of limits, and when it resets')
    .option('--scope <scope>', 'only this one: organisation, team:search, key:ci, each:user')
    .action(show)
}

async function show(options: Options, command: Command): Promise<void> {
  const { scope, format } = options
  const query = scope === undefined ? '' : `?${new URLSearchParams({ scope })}`
  const answer = await askAdminOrCaller(options, command, { admin: `limit-states${query}`, caller: 'limits' })
  const body = expectStatus(answer, 200)
  const all = readLimits(body)
  if (all === null) throw new CommandFailure('the gateway answered with something that is no list of limits')
  // A caller is told all limits that bind it.
  const limits = scope === undefined ? all : all.filter(limit => isOfScope(limit, scope))
  const { SYSTEM_CLOCK } = await import('../app/clock.ts')
  const now = SYSTEM_CLOCK.now()
  const rows: readonly Row[] = limits.map(limit => ({ ...limit }))
  if (format !== 'table') return print(format, { ...(body as object), limits }, { columns: CSV_COLUMNS, rows })
  const columns = limits.some(({ plan }) => plan !== undefined) ? ['plan', ...TABLE_COLUMNS] : TABLE_COLUMNS
  return print('table', body, { columns, rows: limits.map(limit => rowOf(limit, now)) })
}

/** An `each:` limit is told as that, or once for each member. */
function isOfScope({ scope }: LimitTold, asked: string): boolean {
  return scope === asked || (asked.startsWith('each:') && scope.startsWith(`${asked.slice('each:'.length)}:`))
}

function rowOf(limit: LimitTold, now: number): Row {
  return { ...limit, window: windowWords(limit.window), resets: resetsWords(limit, now) }
}
