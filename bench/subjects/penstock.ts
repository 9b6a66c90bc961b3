import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Place, Subject } from '../subject.ts'
import { MODEL } from '../traffic.ts'
import { ROOT, run, said, Unavailable } from '../workshop.ts'

const SECRET = 'pen-bench-0000000000000000000000000000'
const SOURCE = 'src/cli/main.ts'
const COMPILED = 'dist/cli/main.js'
/** Memory that looks like a disk: fsync costs nothing there. */
const MEMORY_DISK = '/dev/shm'

function subject(name: string, what: string, entry: string, more: Partial<Subject> = {}): Subject {
  return {
    name,
    describe: () => `Penstock ${said('git', ['rev-parse', '--short', 'HEAD']) ?? ''} ${what}`,
    messages: true,
    prepare: () => {
      if (!existsSync(join(ROOT, entry))) throw new Unavailable(`${entry} is not there`)
      if (more.disk && !existsSync(more.disk)) throw new Unavailable(`${more.disk} is not there`)
    },
    command: place => ({
      argv: [process.execPath, join(ROOT, entry), ...serveArguments(place)],
      cwd: place.directory,
      env: { NODE_ENV: 'production' },
    }),
    headers: () => ({ authorization: `Bearer ${SECRET}` }),
    livePath: '/health/live',
    ...more,
  }
}

/** Everything on: keys, prices, holds, a ledger with fsync, metrics, a line in the log for each call. */
export const penstock = subject('penstock', 'from its sources, everything on', SOURCE)

/** The same with its ledger where fsync is free: what is left is the gateway's own time. */
export const penstockInMemory = subject('penstock-ram', `with its data in ${MEMORY_DISK}`, SOURCE, {
  disk: MEMORY_DISK,
  aside: true,
})

/** What `npm run build` makes of it and users of the package run. */
export const penstockCompiled = subject('penstock-dist', 'compiled', COMPILED, {
  aside: true,
  prepare: () => run('npm', ['run', '--silent', 'build'], 'npm run build'),
})

export function dataDirectory(place: Pick<Place, 'directory'>): string {
  return join(place.directory, 'data')
}

/** `serve` with its configuration written. */
export function serveArguments(place: Place): string[] {
  const file = join(place.directory, 'penstock.yaml')
  writeFileSync(file, configuration(place))
  return ['serve', '--config', file, '--data', dataDirectory(place), '--listen', `127.0.0.1:${place.port}`]
}

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
