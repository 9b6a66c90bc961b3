import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { roomyLimits } from '../roomy.ts'
import type { Place, Subject } from '../subject.ts'
import { MODEL } from '../traffic.ts'
import { ROOT, run, said, Unavailable } from '../workshop.ts'

export const SECRET = 'pen-bench-0000000000000000000000000000'
const SOURCE = 'src/cli/main.ts'
const COMPILED = 'dist/cli/main.js'
/** Memory that looks like a disk: fsync costs nothing there. */
const MEMORY_DISK = '/dev/shm'

/** How one of them differs from the others. */
interface Difference extends Partial<Subject> {
  /** Its configuration; without limits when not given. */
  readonly configure?: (place: Place) => string
}

export function penstockWith(
  what: string,
  {
    name,
    entry = SOURCE,
    configure = configuration,
    ...more
  }: Difference & { readonly name: string; readonly entry?: string },
): Subject {
  return {
    name,
    describe: () => `Penstock ${said('git', ['rev-parse', '--short', 'HEAD']) ?? ''} ${what}`,
    messages: true,
    prepare: () => {
      if (!existsSync(join(ROOT, entry))) throw new Unavailable(`${entry} is not there`)
      if (more.disk && !existsSync(more.disk)) throw new Unavailable(`${more.disk} is not there`)
    },
    command: place => ({
      argv: [process.execPath, join(ROOT, entry), ...serveArguments(place, configure)],
      cwd: place.directory,
      env: { NODE_ENV: 'production' },
    }),
    headers: () => ({ authorization: `Bearer ${SECRET}` }),
    livePath: '/health/live',
    ...more,
  }
}

/** Everything on: keys, prices, holds, a ledger with fsync, metrics, a line in the log for each call. */
export const penstock = penstockWith('from its sources, everything on', { name: 'penstock' })

/** The same with its ledger where fsync is free: what is left is the gateway's own time. */
export const penstockInMemory = penstockWith(`with its data in ${MEMORY_DISK}`, {
  name: 'penstock-ram',
  disk: MEMORY_DISK,
  aside: true,
})

/** What `npm run build` makes of it and users of the package run. */
export const penstockCompiled = penstockWith('compiled', {
  name: 'penstock-dist',
  entry: COMPILED,
  aside: true,
  prepare: () => run('npm', ['run', '--silent', 'build'], 'npm run build'),
})

export function dataDirectory(place: Pick<Place, 'directory'>): string {
  return join(place.directory, 'data')
}

/** `serve` with its configuration written. */
export function serveArguments(place: Place, configure: (place: Place) => string = configuration): string[] {
  const file = join(place.directory, 'penstock.yaml')
  writeFileSync(file, configure(place))
  return ['serve', '--config', file, '--data', dataDirectory(place), '--listen', `127.0.0.1:${place.port}`]
}

/** Limits that bind every call of the bench, with room for all of them. */
const LIMITS = roomyLimits(20, {
  team: 'bench',
  user: 'bench',
  key: 'bench',
  tag: 'project=bench',
  model: MODEL.openai,
})
const LIMITS_LINE = `limits: ${JSON.stringify(LIMITS)}`

/** Each call is bound by 20 limits. */
export const penstockLimited = penstockWith('with 20 limits that bind every call', {
  name: 'penstock-limits',
  only: 'limits',
  configure: place => `${configuration(place)}${LIMITS_LINE}\n`,
})

/** The same over two threads, which lease what they may decide by themselves. */
export const penstockThreads = penstockWith('with 20 limits that bind every call, over two threads', {
  name: 'penstock-threads',
  only: 'threads',
  configure: place => `workers: 2\n${configuration(place)}${LIMITS_LINE}\n`,
})

function configuration({ upstreamPort }: Place): string {
  const baseUrl = `http://127.0.0.1:${upstreamPort}/v1`
  return `
upstreams:
  mock: { dialect: openai, baseUrl: "${baseUrl}", apiKey: sk-mock }
  mock-messages: { dialect: anthropic, baseUrl: "${baseUrl}", apiKey: sk-mock }
models:
  ${MODEL.openai}: { deployments: [{ upstream: mock, model: mock-model }] }
  ${MODEL.anthropic}: { deployments: [{ upstream: mock-messages, model: mock-model }] }
prices:
  - { upstream: mock, model: mock-model, input: "0.10", cachedInput: "0.05", output: "0.40" }
  - { upstream: mock-messages, model: mock-model, input: "0.10", cachedInput: "0.05", output: "0.40" }
keys:
  - { name: bench, secret: ${SECRET}, team: bench, user: bench, tags: { project: bench } }
`
}
