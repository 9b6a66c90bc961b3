import { join } from 'node:path'
import type { Subject } from '../subject.ts'
import { ROOT } from '../workshop.ts'

/** The bare proxy of `bare.ts`: what every ratio is taken to. */
export const bare: Subject = {
  name: 'bare',
  describe: () =>
    `node:http and undici ${undiciVersion()} on Node ${process.versions.node}, 40 lines (subjects/bare.ts)`,
  messages: true,
  prepare: () => undefined,
  command: ({ port, upstreamPort }) => ({
    argv: [process.execPath, join(ROOT, 'bench/subjects/bare.ts'), String(port), `http://127.0.0.1:${upstreamPort}`],
    env: { NODE_ENV: 'production' },
  }),
  headers: () => ({}),
}

function undiciVersion(): string {
  const url = import.meta.resolve('undici/package.json')
  return (
    process.getBuiltinModule('node:module').createRequire(import.meta.url)(new URL(url).pathname) as { version: string }
  ).version
}
