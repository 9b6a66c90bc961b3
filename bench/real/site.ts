import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type RealEngine, startRealEngine } from '../../scripts/real-engine/engine.ts'
import { freePort, startPinned } from '../process.ts'
import { answers, get } from '../subject.ts'
import { SECRET, serveArguments } from '../subjects/penstock.ts'
import { discard, ROOT, scratch, Unavailable } from '../workshop.ts'

/** Who chooses between the two servers. */
export type Chooser = 'placement' | 'roundRobin'

export const SERVERS = 2

/** Two servers of a real engine, each on a core of its own where there are two, with cold caches. */
export async function startServers(): Promise<readonly RealEngine[]> {
  const engines: RealEngine[] = []
  for (let i = 0; i < SERVERS; i++) {
    const cores = String(i % availableParallelism())
    // Without memory beside the slots a cache is as large as what runs, as it is on accelerators that are full.
    const engine = await startRealEngine({ threads: 1, cores, embeds: false, promptCacheMb: 0 })
    if ('unavailable' in engine) {
      await stopAll(engines)
      throw new Unavailable(engine.unavailable)
    }
    engines.push(engine)
  }
  return engines
}

export async function stopAll(engines: readonly RealEngine[]): Promise<void> {
  await Promise.all(engines.map(engine => engine.stop()))
}

/** A gateway before the servers. */
export interface Site {
  readonly port: number
  readonly headers: Readonly<Record<string, string>>
  /** To be asked for in turn. */
  readonly models: readonly string[]
  readonly stop: () => Promise<void>
}

/**
 * Both choosers have the same gateway with the same queue in front of the same servers. With `placement` these are the
 * replicas of one upstream; with `roundRobin` each is an upstream with a model of its own, and callers take turns.
 */
export async function startSite(engines: readonly RealEngine[], chooser: Chooser): Promise<Site> {
  const [port, directory] = [await freePort(), scratch('real')]
  const pools = chooser === 'placement' ? [engines] : engines.map(engine => [engine])
  const configure = () => configurationOf(pools)
  const argv = [
    process.execPath,
    join(ROOT, 'src/cli/main.ts'),
    ...serveArguments({ port, upstreamPort: 0, directory }, configure),
  ]
  const cores = `0-${availableParallelism() - 1}`
  const gateway = startPinned({ argv, cwd: directory, env: { NODE_ENV: 'production' } }, cores, join(directory, 'log'))
  const stop = async () => {
    await gateway.stop()
    discard(directory)
  }
  try {
    await answers(gateway, () => get(port, '/health/live'))
  } catch (error) {
    await stop()
    throw error
  }
  return { port, headers: { authorization: `Bearer ${SECRET}` }, models: pools.map((_, i) => `model-${i}`), stop }
}

function configurationOf(pools: readonly (readonly RealEngine[])[]): string {
  return JSON.stringify({
    upstreams: Object.fromEntries(
      pools.map((engines, i) => [
        `pool-${i}`,
        { engine: 'llamacpp', replicas: engines.map(({ url }) => `${url}/v1`), maxRunning: engines[0]!.slots },
      ]),
    ),
    models: Object.fromEntries(
      pools.map(([engine], i) => [
        `model-${i}`,
        { deployments: [{ upstream: `pool-${i}`, model: engine!.modelName }] },
      ]),
    ),
    keys: [{ name: 'bench', secret: SECRET }],
  })
}
