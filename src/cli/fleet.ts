import { type Command, InvalidArgumentError } from 'commander'
import { askAdmin, expectStatus, passOptionsOn, withGateway } from './gateway.ts'
import { type Format, print, printTables, type Row, withFormat } from './output.ts'
import type { GatewayOptions } from './whereabouts.ts'

interface Options extends GatewayOptions {
  readonly format: Format
}

interface FleetTold {
  readonly upstreams: readonly (Row & { readonly replicas: readonly Row[] })[]
  readonly tiers: readonly Row[]
}

interface ReplicaName {
  readonly upstream: string
  readonly replica: string
}

const REPLICA_COLUMNS = [
  'upstream',
  'replica',
  'engine',
  'state',
  'inFlight',
  'places',
  'running',
  'waiting',
  'kvUse',
  'metricsAgeMs',
  'expectedCachedShare',
  'url',
]
const TIER_COLUMNS = ['tier', 'weight', 'timeToFirstToken', 'waiting', 'oldestMs']

/** Adds `fleet`, `fleet drain` and `fleet resume` to the commands. */
export function register(program: Command): void {
  const fleet = withFormat(withGateway(program.command('fleet')))
    .description('owned engines: what each replica does, and how many calls wait for them')
    .action(show)
  passOptionsOn(fleet)
  addChange(fleet, 'drain', 'let a replica finish what it has and give it nothing new')
  addChange(fleet, 'resume', 'give a drained replica calls again')
}

function addChange(fleet: Command, change: 'drain' | 'resume', description: string): void {
  withFormat(withGateway(fleet.command(change)))
    .description(description)
    .argument('<replica>', 'UPSTREAM/REPLICA, its place in the list from 0: pool/1', replicaName)
    .action(async ({ upstream, replica }: ReplicaName, options: Options) => {
      const path = `fleet/${encodeURIComponent(upstream)}/${replica}/${change}`
      const body = expectStatus(await askAdmin(options, path, { method: 'POST', body: {} }), 200) as Row
      await print(options.format, body, { columns: REPLICA_COLUMNS, rows: [{ ...body, upstream }] })
    })
}

function replicaName(text: string): ReplicaName {
  const found = /^(.+)\/(\d+)$/.exec(text)
  if (found === null) throw new InvalidArgumentError('expected UPSTREAM/REPLICA, such as pool/1')
  return { upstream: found[1]!, replica: found[2]! }
}

async function show({ format, ...options }: Options): Promise<void> {
  const body = expectStatus(await askAdmin(options, 'fleet'), 200) as FleetTold
  const replicas = body.upstreams.flatMap(({ name, engine, replicas }) =>
    replicas.map((replica): Row => ({ ...replica, upstream: name, engine })),
  )
  if (format !== 'table') return print(format, body, { columns: REPLICA_COLUMNS, rows: replicas })
  return printTables([
    { title: 'Replicas', columns: REPLICA_COLUMNS, rows: replicas },
    { title: 'Tiers', columns: TIER_COLUMNS, rows: body.tiers.map(({ name, ...tier }) => ({ ...tier, tier: name })) },
  ])
}
