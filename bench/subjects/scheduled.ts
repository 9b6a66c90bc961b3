import type { Place } from '../subject.ts'
import { MODEL } from '../traffic.ts'
import { penstockWith, SECRET } from './penstock.ts'

/** More than ever are under way, so that nobody waits: what is measured is what scheduling costs, not what it gives. */
const MAX_RUNNING = 512

/** The mock upstream as an owned engine: its metrics are read, and each call is given a place at one of its replicas. */
function ownedConfiguration({ upstreamPort }: Place, replicas: number): string {
  // The mock upstream does not mind what comes before the path, so that one process can stand for several.
  const urls = Array.from({ length: replicas }, (_, i) => `http://127.0.0.1:${upstreamPort}/replica-${i}/v1`)
  return JSON.stringify({
    upstreams: { mock: { engine: 'vllm', replicas: urls, apiKey: 'sk-mock', maxRunning: MAX_RUNNING } },
    models: { [MODEL.openai]: { deployments: [{ upstream: 'mock', model: 'mock-model' }] } },
    prices: [{ upstream: 'mock', model: 'mock-model', input: '0.10', cachedInput: '0.05', output: '0.40' }],
    keys: [{ name: 'bench', secret: SECRET, team: 'bench', user: 'bench', tags: { project: 'bench' } }],
  })
}

function owned(name: string, replicas: number) {
  return penstockWith(`in front of an owned engine of ${replicas === 1 ? '1 replica' : `${replicas} replicas`}`, {
    name,
    only: 'scheduling',
    messages: false,
    configure: place => ownedConfiguration(place, replicas),
  })
}

export const penstockScheduled = owned('penstock-scheduled', 1)
export const penstockScheduledEight = owned('penstock-scheduled-8', 8)

/** Stands for all that `real` compares: two servers of a real engine, by placement and in turn. */
export const penstockReal = penstockWith('in front of two llama.cpp servers with SmolLM2-135M', {
  name: 'penstock-real',
  only: 'real',
  messages: false,
})
