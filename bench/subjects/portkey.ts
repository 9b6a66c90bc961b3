import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Subject } from '../subject.ts'
import { CACHE, run } from '../workshop.ts'

const VERSION = '1.15.2'
/** Its streams fail with later ones: Portkey-AI/gateway#1389. */
const NODE_SERVER_VERSION = '1.14.1'
const HOME = join(CACHE, `portkey-${VERSION}`)
const ENTRY = join(HOME, 'node_modules/@portkey-ai/gateway/build/start-server.js')

export const portkey: Subject = {
  name: 'portkey',
  describe: () => `@portkey-ai/gateway ${VERSION} from npm, on Node ${process.versions.node}`,
  messages: false,
  prepare: () => {
    if (existsSync(ENTRY)) return
    mkdirSync(HOME, { recursive: true })
    const manifest = { private: true, overrides: { '@hono/node-server': NODE_SERVER_VERSION } }
    writeFileSync(join(HOME, 'package.json'), JSON.stringify(manifest))
    const npm = ['install', '--no-save', '--no-audit', '--no-fund', `@portkey-ai/gateway@${VERSION}`]
    run('npm', npm, `npm install @portkey-ai/gateway@${VERSION}`, HOME)
  },
  command: ({ port }) => ({
    argv: [process.execPath, ENTRY, `--port=${port}`, '--headless'],
    env: { NODE_ENV: 'production' },
  }),
  headers: ({ upstreamPort }) => ({
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `http://127.0.0.1:${upstreamPort}/v1`,
    authorization: 'Bearer sk-mock',
  }),
}
