import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { startInBackground } from './commands.ts'
import type { RealEngine } from './engine.ts'
import { ROOT } from './places.ts'

/** A gateway of its own before a real engine. */
export interface Gateway {
  /** Without a path. */
  readonly url: string
  readonly key: string
  readonly adminToken: string
  output(): string
  stop(): Promise<void>
}

const READY_WITHIN_MS = 30_000
const ASK_EVERY_MS = 50

/** Prices per million tokens, so that receipts show dollars: an owned engine has none by itself. */
const PRICES = { input: '0.10', cachedInput: '0.01', output: '0.40' }

/** A model whose first deployment breaks every stream off, so that the second one has to go on. */
export const CONTINUED_MODEL = 'continued'
const BREAKS_AFTER_TOKENS = 9
const FAULTS = { faults: [{ upstream: 'breaking', kind: 'cut', tokens: BREAKS_AFTER_TOKENS }] }

function configurationFor(engine: RealEngine, key: string, adminToken: string): string {
  const model = engine.modelName
  const upstream = { engine: 'llamacpp', baseUrl: `${engine.url}/v1` }
  const names = ['breaking', 'real']
  return stringify({
    adminToken,
    upstreams: { real: upstream, breaking: upstream },
    models: {
      [model]: { deployments: [{ upstream: 'real', model }] },
      [CONTINUED_MODEL]: {
        deployments: names.map(upstream => ({ upstream, model })),
        resilience: { onCut: 'continue', firstToken: '60s', breaker: { failures: 1_000 } },
      },
    },
    prices: names.map(upstream => ({ upstream, model, ...PRICES })),
    keys: [{ name: 'real-engine', secret: key }],
  })
}

/**
 * Starts Penstock before a real engine, with a configuration and a ledger of its own that are gone when it stops.
 *
 * @param listen such as `127.0.0.1:4000`; port 0 picks a free one
 * @throws Error with what the gateway printed when it does not come up
 */
export async function startGateway(engine: RealEngine, listen: string, env = process.env): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-real-engine-'))
  const key = `sk-penstock-${randomBytes(16).toString('hex')}`
  const adminToken = randomBytes(16).toString('hex')
  const configuration = join(folder, 'penstock.yaml')
  await writeFile(configuration, configurationFor(engine, key, adminToken))
  const faults = join(folder, 'faults.yaml')
  await writeFile(faults, stringify(FAULTS))
  const where = ['--config', configuration, '--data', join(folder, 'data'), '--listen', listen, '--faults', faults]
  const running = startInBackground(process.execPath, [`${ROOT}src/cli/main.ts`, 'serve', ...where], env)
  const stop = async () => {
    await running.stop()
    await rm(folder, { recursive: true, force: true })
  }
  for (let waitedMs = 0; waitedMs < READY_WITHIN_MS; waitedMs += ASK_EVERY_MS) {
    const url = /listening on (http:\/\/\S+)/.exec(running.output())?.[1]
    if (url) return { url, key, adminToken, output: running.output, stop }
    if (running.child.exitCode !== null) break
    await sleep(ASK_EVERY_MS)
  }
  await stop()
  throw new Error(`the gateway did not come up: ${running.output().trim()}`)
}
