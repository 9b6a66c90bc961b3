import type { Command } from 'commander'
import { CommandFailure } from './failure.ts'
import { askAdmin, expectStatus, passOptionsOn, withGateway } from './gateway.ts'
import { type LimitTold, readLimits, resetsWords, windowWords } from './limitView.ts'
import { type Format, print, type Row, withFormat } from './output.ts'
import type { GatewayOptions } from './whereabouts.ts'

interface Options extends GatewayOptions {
  readonly format: Format
}

interface GrantOptions extends Options {
  readonly amount: string
  readonly id?: string
  readonly expires?: string
  readonly priority?: string
  readonly kind?: string
  readonly limit?: string
}

const TABLE_COLUMNS = ['plan', 'part', 'scope', 'unit', 'window', 'used', 'held', 'left', 'amount', 'resets']
const CSV_COLUMNS = ['plan', 'part', 'scope', 'unit', 'window', 'amount', 'used', 'held', 'left', 'resetsAt', 'id']
const GRANT_COLUMNS = ['id', 'scope', 'unit', 'kind', 'priority', 'used', 'left', 'expired', 'amount', 'expiresAt']

/** Adds `plans`, `plans grants`, `plans grant` and `plans revoke` to the commands. */
export function register(program: Command): void {
  const plans = withFormat(withGateway(program.command('plans')))
    .description('plans, with what is used, held and left of each of their limits')
    .action(show)
  passOptionsOn(plans)
  withFormat(withGateway(plans.command('grants')))
    .description('what is used, left and expired of the credits of a plan')
    .argument('<plan>', 'its name')
    .action(showGrants)
  withFormat(withGateway(plans.command('grant')))
    .description('grant credits of a plan')
    .argument('<plan>', 'its name')
    .requiredOption('--amount <amount>', 'dollars, or tokens or requests where its credits are of those')
    .option('--id <id>', 'a name of their own; granting twice under one is refused')
    .option('--expires <time>', 'when what is unused is lost: a date or RFC 3339 (default: never)')
    .option('--priority <number>', 'from 0, drawn first, to 100')
    .option('--kind <kind>', 'prepaid or promotional')
    .option('--limit <id>', 'the limit that they are for, where several are made of grants')
    .action(grant)
  withGateway(plans.command('revoke'))
    .description('end credits: what is used stays used, the rest is gone')
    .argument('<plan>', 'its name')
    .argument('<grant>', 'the id of the grant')
    .action(async (plan: string, id: string, options: GatewayOptions) => {
      const path = `${grantsOf(plan)}/${encodeURIComponent(id)}`
      expectStatus(await askAdmin(options, path, { method: 'DELETE' }), 204)
      process.stdout.write(`the grant '${id}' of the plan '${plan}' is ended\n`)
    })
}

function grantsOf(plan: string): string {
  return `plans/${encodeURIComponent(plan)}/grants`
}

async function show(options: Options): Promise<void> {
  const { plans } = expectStatus(await askAdmin(options, 'plans'), 200) as { plans: readonly { name: string }[] }
  const { SYSTEM_CLOCK } = await import('../app/clock.ts')
  const now = SYSTEM_CLOCK.now()
  const told: unknown[] = []
  const rows: Row[] = []
  for (const { name } of plans) {
    const answer = await askAdmin(options, `plans/${encodeURIComponent(name)}`)
    // Taken away since it was listed.
    if (answer.status === 404) continue
    const body = expectStatus(answer, 200) as { states: unknown }
    const limits = readLimits({ limits: body.states })
    if (limits === null) throw new CommandFailure('the gateway answered with something that is no plan')
    told.push(body)
    rows.push(...(limits.length > 0 ? limits.map(limit => rowOf(limit, options.format, now)) : [{ plan: name }]))
  }
  const columns = options.format === 'table' ? TABLE_COLUMNS : CSV_COLUMNS
  await print(options.format, { plans: told }, { columns, rows })
}

function rowOf(limit: LimitTold, format: Format, now: number): Row {
  if (format !== 'table') return { ...limit }
  return { ...limit, window: windowWords(limit.window), resets: resetsWords(limit, now) }
}

async function showGrants(plan: string, options: Options): Promise<void> {
  const body = expectStatus(await askAdmin(options, grantsOf(plan)), 200) as { grants: readonly Row[] }
  await print(options.format, body, { columns: GRANT_COLUMNS, rows: body.grants })
}

async function grant(plan: string, options: GrantOptions): Promise<void> {
  const { amount, id, expires: expiresAt, priority, kind, limit, format } = options
  const known = expectStatus(await askAdmin(options, grantsOf(plan)), 200) as { grants: readonly Row[] }
  const like = known.grants.find(each => limit === undefined || each.limit === limit)
  const body = {
    // Dollars are texts, so that no decimal is lost; whatever is no number the gateway refuses by its own words.
    amount: like?.unit === 'dollars' ? amount : numberOr(amount),
    ...(id !== undefined && { id }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(priority !== undefined && { priority: numberOr(priority) }),
    ...(kind !== undefined && { kind }),
    ...(limit !== undefined && { limit }),
  }
  const made = expectStatus(await askAdmin(options, grantsOf(plan), { method: 'POST', body }), 201) as Row
  await print(format, made, { columns: GRANT_COLUMNS, rows: [made] })
}

function numberOr(text: string): number | string {
  return /^\d{1,16}$/.test(text) ? Number(text) : text
}
