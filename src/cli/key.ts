import { type Command, InvalidArgumentError } from 'commander'
import { askAdmin, expectStatus, withGateway } from './gateway.ts'
import { type Format, print, type Row, withFormat } from './output.ts'
import type { GatewayOptions } from './whereabouts.ts'

interface CreateOptions extends GatewayOptions {
  readonly name: string
  readonly team?: string
  readonly user?: string
  readonly tag?: Readonly<Record<string, string>>
  readonly models?: readonly string[]
  readonly tier?: readonly string[]
  readonly format: Format
}

const COLUMNS = ['name', 'team', 'user', 'tags', 'models', 'tiers', 'createdAt', 'readOnly']

function tag(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('expected NAME=VALUE')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

const list = (text: string): readonly string[] => text.split(',').map(part => part.trim())

/** Adds `key create`, `key list` and `key revoke` to the commands. */
export function register(program: Command): void {
  const key = program.command('key').description('make, list and revoke keys of callers')
  withFormat(withGateway(key.command('create')))
    .description('make a key and show its secret, once')
    .requiredOption('--name <name>', 'its name in receipts and reports')
    .option('--team <name>', 'the team that it belongs to')
    .option('--user <name>', 'the user that it belongs to')
    .option('--tag <name=value>', 'a tag of all its calls; may be repeated', tag)
    .option('--models <names>', 'the models that it may use, with commas between (default: all)', list)
    .option('--tier <names>', 'the tiers that it may use, the first for calls that name none (default: all)', list)
    .action(create)
  withFormat(withGateway(key.command('list')))
    .description('list every key, without its secret')
    .action(async (options: GatewayOptions & { readonly format: Format }) => {
      const body = expectStatus(await askAdmin(options, 'keys'), 200) as { keys: readonly Row[] }
      await print(options.format, body, { columns: COLUMNS, rows: body.keys })
    })
  withGateway(key.command('revoke'))
    .description('revoke a key at once')
    .argument('<name>', 'the name of the key')
    .action(async (name: string, options: GatewayOptions) => {
      expectStatus(await askAdmin(options, `keys/${encodeURIComponent(name)}`, { method: 'DELETE' }), 204)
      process.stdout.write(`the key '${name}' is revoked\n`)
    })
}

async function create(options: CreateOptions): Promise<void> {
  const { name, team, user, tag: tags, models, tier: tiers, format } = options
  const body = {
    name,
    ...(team && { team }),
    ...(user && { user }),
    ...(tags && { tags }),
    ...(models && { models }),
    ...(tiers && { tiers }),
  }
  const made = expectStatus(await askAdmin(options, 'keys', { method: 'POST', body }), 201) as Row
  if (format !== 'table') return print(format, made, { columns: [...COLUMNS, 'secret'], rows: [made] })
  process.stdout.write(`${made.secret}\n`)
  process.stderr.write(`This is the secret of the key '${name}'. It is shown only this once.\n`)
}
