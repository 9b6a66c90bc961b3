import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHttpClient } from '../engines/http/client.ts'
import { createSimulatedEngine } from '../engines/simulated/engine.ts'
import { createIds } from '../lifecycle/ids.ts'
import { LimitDesk } from '../lifecycle/limits/desk.ts'
import { DEFAULT_BOUNDS } from '../lifecycle/world.ts'
import { Expectations } from '../policy/estimate/expectation.ts'
import { HealthBoard } from '../policy/health/board.ts'
import { LimitBook } from '../policy/limits/book.ts'
import { tariffFromOverride } from '../policy/pricing/tariff.ts'
import { receiptOf } from '../policy/receipts/receipt.ts'
import { Warmth } from '../policy/routing/warmth.ts'
import type { Clock } from '../ports/clock.ts'
import type { EngineClient } from '../ports/engine.ts'
import type { Registry } from '../ports/registry.ts'
import type { Caller, Key } from '../vocabulary/caller.ts'
import type { Deployment, Model } from '../vocabulary/deployment.ts'
import { declaredLimitId, type Limit } from '../vocabulary/limit.ts'
import { readLimitTerms } from '../vocabulary/limit-terms.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import { DEFAULT_RESILIENCE } from '../vocabulary/resilience.ts'
import { DEFAULT_TIERS } from '../vocabulary/tier.ts'
import { Gateway } from './server.ts'

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay)
    return () => clearTimeout(timer)
  },
}

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')
export const SECRET = 'sk-test-gateway'
const CALLER: Caller = { key: 'ci', team: 'search', user: null, tags: {}, run: null }

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

/** An upstream that a test scripts, over HTTP. */
async function startUpstream(answer: () => Answer) {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', part => parts.push(part))
    request.on('end', () => answer()(request, response, Buffer.concat(parts)))
    request.on('error', () => {})
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    close: () => {
      server.closeAllConnections()
      return new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

/** A registry of one key, one model of the scripted upstream in each dialect, and one of the simulated engine. */
function registryOf(models: readonly Model[]): Registry {
  const key: Key = {
    name: 'ci',
    team: 'search',
    user: null,
    tags: {},
    models: null,
    tiers: null,
    secretHash: hashOf(SECRET),
    createdAt: 0,
    declared: true,
  }
  return {
    authenticate: secret => (hashOf(secret) === key.secretHash ? key : null),
    model: name => models.find(model => model.name === name),
    models: () => models,
    deployments: () => models.flatMap(model => model.deployments),
    upstreams: () => [],
    keys: () => [key],
    createKey: async () => 'taken',
    revokeKey: async () => 'unknown',
  }
}

/** One test's failures must not keep the next one's calls from the upstream. */
const NO_BREAKER = { ...DEFAULT_RESILIENCE, breaker: { ...DEFAULT_RESILIENCE.breaker, failures: 1_000_000 } }

function modelOf(name: string, deployment: Omit<Deployment, 'name'>): Model {
  const deployments = [{ ...deployment, name: `${deployment.upstream}/${deployment.model}` }]
  return { name, deployments, route: 'inOrder', maxOutputTokens: 1_000, resilience: NO_BREAKER, createdAt: 0 }
}

function limitOf(value: Record<string, unknown>): Limit {
  const read = readLimitTerms(value)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return { ...read.terms, id: declaredLimitId(read.terms), createdAt: clock.now(), readOnly: true }
}

/**
 * A gateway on a free port before a scripted upstream and a simulated engine, with its ledger in memory.
 *
 * @param limits as configuration writes them
 */
export async function startStage(
  first: Answer = (_request, response) => response.end('{}'),
  limits: readonly Record<string, unknown>[] = [],
) {
  const stage = { answer: first, records: [] as CallRecord[], refused: 0 }
  const upstream = await startUpstream(() => stage.answer)
  const http = (dialect: 'openai' | 'anthropic') =>
    createHttpClient({
      baseUrls: [`${upstream.url}/v1`],
      dialects: [dialect],
      apiKey: 'sk-upstream',
      headers: {},
      silenceTimeoutMs: 10_000,
      clock,
    })
  const accelerator = { kind: 'H100-SXM', count: 1, dollarsPerHour: 2_950_000_000n }
  const engines: Record<string, EngineClient> = {
    mock: http('openai'),
    mockAnthropic: http('anthropic'),
    sim: createSimulatedEngine({ model: 'Llama-3.1-8B', accelerator, replicas: 1, speed: 5, clock }),
  }
  const models = [
    modelOf('fast', {
      upstream: 'mock',
      model: 'up-fast',
      dialects: ['openai'],
      engine: null,
      replicas: 1,
      grams: null,
    }),
    modelOf('claude', {
      upstream: 'mockAnthropic',
      model: 'up-claude',
      dialects: ['anthropic'],
      engine: null,
      replicas: 1,
      grams: null,
    }),
    modelOf('sim', {
      upstream: 'sim',
      model: 'Llama-3.1-8B',
      dialects: ['openai', 'anthropic'],
      engine: 'simulated',
      replicas: 1,
      grams: null,
    }),
  ]
  const book = new LimitBook(clock.now())
  for (const limit of limits) book.put(limitOf(limit), clock.now())
  const desk = new LimitDesk(book, clock, { keep: () => {}, keepBudget: () => {} })
  const tariff = tariffFromOverride({ input: '1', cachedInput: '0.1', output: '2' }, 'test')
  const gateway = new Gateway({
    world: {
      clock,
      random: { next: () => 0.5 },
      health: new HealthBoard(models, HealthBoard.memoryFor(models), 0),
      warmth: new Warmth(Warmth.memory()),
      places: null,
      ledger: {
        writable: true,
        append(record, durable) {
          stage.records.push(record)
          setImmediate(durable, null)
        },
      },
      limits: desk,
      expectations: new Expectations(),
      model: name => models.find(model => model.name === name),
      observer: {
        callStarted: () => {},
        callEnded: () => {},
        recordLost: () => {},
        callRefused: () => stage.refused++,
      },
      engine: deployment => engines[deployment.upstream]!,
      tariff: () => tariff,
      bounds: DEFAULT_BOUNDS,
    },
    registry: registryOf(models),
    ledger: { receipt: async id => stage.records.find(record => record.id === id) ?? null },
    limits: { views: async caller => book.view(caller, clock.now()) },
    tiers: DEFAULT_TIERS,
    trustCallers: false,
    nextId: createIds(clock, 0, 0),
    receiptOf,
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    isAdminToken: () => false,
    admin: (_request, response) => response.writeHead(404).end(),
  })
  const port = await gateway.listen({ host: '127.0.0.1', port: 0 })
  return Object.assign(stage, {
    port,
    url: `http://127.0.0.1:${port}`,
    /** What the key `ci`, in this run if any, has taken. */
    limits: (run: string | null = null) => book.view({ ...CALLER, run }, clock.now()),
    gateway,
    async close() {
      await gateway.drain(200)
      await Promise.all(Object.values(engines).map(engine => engine.close()))
      await upstream.close()
    },
  })
}

export type Stage = Awaited<ReturnType<typeof startStage>>

/** Waits until something holds; fails after a bound. */
export async function until(what: string, holds: () => boolean, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
