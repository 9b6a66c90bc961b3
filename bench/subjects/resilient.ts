import { CASES, faultyBase, healthyBase, LIMITS } from '../load/faulty.ts'
import type { Place, Subject } from '../subject.ts'
import { MODEL } from '../traffic.ts'
import { penstockWith, SECRET } from './penstock.ts'

/** Reads the usage after a load; on loopback only, and for the length of a measure. */
export const ADMIN_TOKEN = 'pen-admin-bench-0000000000000000000000'
const PRICE = { input: '0.10', cachedInput: '0.05', output: '0.40' }

/** A model by what its deployments stand at, in order. */
interface ModelAt {
  readonly bases: readonly string[]
  readonly route?: string
  readonly resilience?: object
}

/** A configuration whose models are given by name; each deployment is an upstream of its own. */
function configurationOf(models: Readonly<Record<string, ModelAt>>): string {
  const deployments = Object.entries(models).flatMap(([name, { bases }]) =>
    bases.map((baseUrl, i) => ({ name, baseUrl, upstream: `${name}-${i + 1}` })),
  )
  const of = (model: string) => deployments.filter(({ name }) => name === model)
  return JSON.stringify({
    adminToken: ADMIN_TOKEN,
    upstreams: Object.fromEntries(
      deployments.map(({ upstream, baseUrl }) => [upstream, { dialect: 'openai', baseUrl, apiKey: 'sk-mock' }]),
    ),
    models: Object.fromEntries(
      Object.entries(models).map(([name, { bases: _, ...how }]) => [
        name,
        { deployments: of(name).map(({ upstream }) => ({ upstream, model: 'mock-model' })), ...how },
      ]),
    ),
    prices: deployments.map(({ upstream }) => ({ upstream, model: 'mock-model', ...PRICE })),
    keys: [{ name: 'bench', secret: SECRET, team: 'bench', user: 'bench', tags: { project: 'bench' } }],
  })
}

const EVERYTHING = {
  attempts: 3,
  connect: '1s',
  firstToken: '10s',
  idle: '10s',
  total: '5m',
  hedge: { after: '2s' },
  onCut: 'continue',
  breaker: { failures: 5, within: '30s', open: '15s' },
}

/** Three deployments that are alike, chosen among by all that is known of them, with all that can be done for a call. */
export const penstockResilient = penstockWith(
  'three deployments, balanced, breaker, hedge, onCut: continue, time limits',
  {
    name: 'penstock-resilience',
    only: 'resilience',
    configure: ({ upstreamPort }) => {
      const bases = Array.from({ length: 3 }, () => healthyBase(upstreamPort))
      return configurationOf({ [MODEL.openai]: { bases, route: 'balanced', resilience: EVERYTHING } })
    },
  },
)

/** A model whose first deployment stands at another address of loopback, with all that holds where nothing is said. */
function behind(name: string, what: string, hosts: readonly string[]): Subject {
  return penstockWith(what, {
    name,
    only: 'dead',
    configure: ({ upstreamPort }) => {
      const bases = hosts.map(host => `http://${host}:${upstreamPort}/v1`)
      return configurationOf({ [MODEL.openai]: { bases, route: 'inOrder' } })
    },
  })
}

export const penstockOne = behind('one, healthy', 'one deployment', ['127.0.0.1'])
export const penstockTwo = behind('two, healthy', 'two deployments', ['127.0.0.1', '127.0.0.1'])

/** The first of two deployments is dead, so that every call has to pass it over. */
export function penstockDeadAt(name: string, host: string): Subject {
  return behind(name, 'two deployments, the first dead', [host, '127.0.0.1'])
}

/** Stands for all that `dead` compares. */
export const penstockDead: Subject = {
  ...penstockDeadAt('penstock-dead', '127.0.0.1'),
  describe: () =>
    penstockTwo.describe().replace('two deployments', 'one deployment, two, and two of which the first is dead'),
}

export const OUTAGE_HOST = '127.0.0.2'

/** Two deployments, of which one dies and returns; two models that differ in what becomes of a stream that breaks. */
export const penstockOutage = penstockWith('two deployments, one of which dies and returns', {
  name: 'penstock-outage',
  only: 'outage',
  configure: ({ upstreamPort }) => {
    const bases = [`http://${OUTAGE_HOST}:${upstreamPort}/v1`, healthyBase(upstreamPort)]
    const breaker = { failures: 5, within: '10s', open: '1s' }
    const model = (onCut: string) => ({ bases, route: 'balanced', resilience: { attempts: 3, onCut, breaker } })
    return configurationOf({ [MODEL.openai]: { bases: [bases[1]!] }, fail: model('fail'), continue: model('continue') })
  },
})

export const HEDGE_AFTER_MS = 200

/** Two models whose first deployment is slow now and then; one of them hedges. */
export const penstockHedge = penstockWith(`two deployments, hedge after ${HEDGE_AFTER_MS} ms and off`, {
  name: 'penstock-hedge',
  only: 'hedge',
  configure: ({ upstreamPort }) => {
    const at = (path: string) => `http://127.0.0.1:${upstreamPort}/${path}/v1`
    const model = (name: string, hedge: object | string) => ({
      bases: [at(`${name}-first`), at(`${name}-rival`)],
      route: 'inOrder',
      resilience: { hedge },
    })
    return configurationOf({
      [MODEL.openai]: { bases: [healthyBase(upstreamPort)] },
      off: model('off', 'off'),
      on: model('on', { after: `${HEDGE_AFTER_MS}ms` }),
    })
  },
})

/** Each fault has a model of its own, and a healthy deployment behind it. */
export const penstockFaults: Subject = {
  ...penstockWith('attempts 3, hedge, onCut: continue, time limits', {
    name: 'penstock-faults',
    only: 'faults',
    configure: (place: Place) => faultConfiguration(place.upstreamPort),
  }),
  reach: ({ name }) => ({ model: name, headers: { authorization: `Bearer ${SECRET}` } }),
}

function faultConfiguration(upstreamPort: number): string {
  const { connectMs, firstTokenMs, idleMs, totalMs } = LIMITS
  const resilience = {
    attempts: 3,
    connect: `${connectMs}ms`,
    firstToken: `${firstTokenMs}ms`,
    idle: `${idleMs}ms`,
    total: `${totalMs}ms`,
    hedge: { after: '300ms' },
    onCut: 'continue',
  }
  const healthy = healthyBase(upstreamPort)
  return configurationOf({
    [MODEL.openai]: { bases: [healthy] },
    ...Object.fromEntries(
      CASES.map(({ name, fault }) => [
        name,
        { bases: [faultyBase(fault, upstreamPort), healthy], route: 'inOrder', resilience },
      ]),
    ),
  })
}
