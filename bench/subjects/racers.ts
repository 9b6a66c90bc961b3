import { PRICE, raceKeys } from '../measures/race.ts'
import type { Place, Subject } from '../subject.ts'
import { MODEL } from '../traffic.ts'
import { litellmWith } from './litellm.ts'
import { penstockWith, SECRET } from './penstock.ts'

const WHAT = 'keys with a budget each'

/** Penstock, each of whose racing keys has the cap. */
export const penstockRace = penstockWith(`with ${WHAT}`, {
  name: 'penstock-race',
  only: 'race',
  configure: place => configuration(place, 1),
})

export const penstockThreadsRace = penstockWith(`with ${WHAT}, over two threads`, {
  name: 'penstock-threads-race',
  only: 'race',
  configure: place => configuration(place, 2),
})

/** LiteLLM as it comes: a call whose worst case does not fit reserves what is left. */
export const litellmRace: Subject = litellmWith({
  name: 'litellm-race',
  what: `one worker, ${WHAT} by its custom auth; no database, so that only what is reserved counts`,
  settings: {},
})

/** LiteLLM told to refuse a call whose worst case does not fit. */
export const litellmStrictRace: Subject = litellmWith({
  name: 'litellm-strict-race',
  what: 'as litellm-race, with fail_closed_budget_enforcement',
  settings: { fail_closed_budget_enforcement: true },
})

function configuration({ upstreamPort }: Place, workers: number): string {
  const races = raceKeys().map((key, i) => ({ ...key, name: `race-${i}` }))
  const price = { input: String(PRICE.input), output: String(PRICE.output) }
  return JSON.stringify({
    workers,
    upstreams: { mock: { dialect: 'openai', baseUrl: `http://127.0.0.1:${upstreamPort}/v1`, apiKey: 'sk-mock' } },
    models: { [MODEL.openai]: { deployments: [{ upstream: 'mock', model: 'mock-model' }] } },
    prices: [{ upstream: 'mock', model: 'mock-model', ...price }],
    keys: [{ name: 'bench', secret: SECRET }, ...races.map(({ name, secret }) => ({ name, secret }))],
    limits: races.map(({ name, capDollars }) => ({
      scope: `key:${name}`,
      unit: 'dollars',
      amount: String(capDollars),
      window: 'total',
    })),
  })
}
