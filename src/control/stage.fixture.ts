import { createHash } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Disk } from '../lifecycle/history.fixture.ts'
import { type OpenLimits, openLimits } from '../lifecycle/limits/open.ts'
import { type Receipt, receiptOf } from '../policy/receipts/receipt.ts'
import type { LedgerStore, LimitStore, ReceiptQuery, UsageQuery, UsageReport } from '../ports/ledger.ts'
import type { NewKey, Registry } from '../ports/registry.ts'
import type { Key } from '../vocabulary/caller.ts'
import type { Deployment, Model } from '../vocabulary/deployment.ts'
import { callIdToInteger, encodeCallId } from '../vocabulary/id.ts'
import type { Plan } from '../vocabulary/plan.ts'
import { readPlan } from '../vocabulary/plan-terms.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import { DEFAULT_RESILIENCE } from '../vocabulary/resilience.ts'
import { DEFAULT_TIERS } from '../vocabulary/tier.ts'
import { createAdmin } from './admin.ts'
import { memoryFleet } from './fleet.fixture.ts'
import { adminHandler } from './handler.ts'
import { type MemoryLimits, memoryLimits, termsOf } from './limits.fixture.ts'

export const ADMIN_TOKEN = 'admin-token-of-the-stage'
/** 2026-03-01T00:00:00Z, when the stage's first call came; each later one came a second after. */
export const BEGAN = Date.UTC(2026, 2, 1)

const DEPLOYMENT: Deployment = {
  name: 'mock/check-chat',
  upstream: 'mock',
  model: 'check-chat',
  dialects: ['openai'],
  engine: null,
  replicas: 1,
  grams: null,
}

const FAST: Model = {
  name: 'fast',
  deployments: [DEPLOYMENT],
  route: 'inOrder',
  maxOutputTokens: 4096,
  resilience: DEFAULT_RESILIENCE,
  createdAt: BEGAN,
}

/** What the stage's configuration declares: sixty requests a minute of each key. */
export const DECLARED = termsOf({ scope: 'each:key', unit: 'requests', amount: 60, window: { sliding: '1m' } })

/** What it declares besides: an allowance of one dollar, then credits. */
export const DECLARED_PLAN = planOf('team', {
  subscribers: ['team:search'],
  included: [{ scope: 'plan', unit: 'dollars', amount: '1', window: { calendar: 'month' } }],
  overflow: [{ scope: 'plan', unit: 'dollars', grants: [{ id: 'first', amount: '2', createdAt: '2026-01-01' }] }],
})

function planOf(name: string, value: unknown): Plan {
  const read = readPlan(name, value)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return read.plan
}

export function sha256(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** A registry that keeps what it is told in memory: one declared key `ci`, one model `fast`. */
export function memoryRegistry(): Registry {
  const keys = new Map<string, Key>()
  const add = (wanted: NewKey, secret: string, declared: boolean): Key => {
    const key = { ...wanted, secretHash: sha256(secret), createdAt: BEGAN, declared }
    keys.set(key.name, key)
    return key
  }
  add(
    { name: 'ci', team: 'search', user: null, tags: { project: 'atlas' }, models: null, tiers: null },
    'secret-of-ci',
    true,
  )
  return {
    authenticate: secret => [...keys.values()].find(key => key.secretHash === sha256(secret)) ?? null,
    model: name => (name === FAST.name ? FAST : undefined),
    models: () => [FAST],
    deployments: () => [DEPLOYMENT],
    upstreams: () => [
      { name: 'mock', dialects: ['openai'], engine: null, baseUrls: ['http://10.0.0.1/v1'], source: 'configuration' },
    ],
    keys: () => [...keys.values()],
    createKey: async wanted => {
      if (keys.has(wanted.name)) return 'taken'
      const secret = `psk_secret-of-${wanted.name}`
      return { key: add(wanted, secret, false), secret }
    },
    revokeKey: async name => {
      const key = keys.get(name)
      if (!key) return 'unknown'
      if (key.declared) return 'declared'
      keys.delete(name)
      return 'revoked'
    },
  }
}

/** The nth call of the stage: a completed one of a thousand tokens in, a hundred out, for 0.0015 dollars. */
export function recordOf(n: number, over: Partial<CallRecord> = {}): CallRecord {
  const at = BEGAN + n * 1_000
  return {
    id: encodeCallId(at - Date.UTC(2025, 0, 1), n),
    at,
    model: 'fast',
    dialect: 'openai',
    endpoint: 'chat/completions',
    caller: { key: 'ci', team: 'search', user: null, tags: { project: 'atlas' }, run: null },
    outcome: 'completed',
    status: 200,
    streamed: false,
    heldDollars: 4_100_000n,
    dollars: 1_500_000n,
    durationMs: 812.4,
    timeToFirstTokenMs: null,
    limited: false,
    overrunDollars: null,
    downgradedTo: null,
    tier: null,
    queueMs: 0,
    attempts: [
      {
        deployment: DEPLOYMENT.name,
        outcome: 'completed',
        replica: null,
        route: null,
        placement: null,
        status: 200,
        startedAt: at,
        durationMs: 801,
        timeToFirstTokenMs: null,
        usage: {
          inputTokens: 1_000,
          cachedInputTokens: 200,
          cacheWrite5mTokens: 0,
          cacheWrite1hTokens: 0,
          outputTokens: 100,
          reasoningTokens: 0,
          source: 'reported',
        },
        rate: { perMillion: { input: '1', output: '5' }, priceBook: 'the stage, 2026-03-01' },
        dollars: 1_500_000n,
      },
    ],
    ...over,
  }
}

export interface MemoryLedger extends Pick<LedgerStore, 'receipt' | 'receipts' | 'usage'> {
  readonly asked: (ReceiptQuery | UsageQuery)[]
}

/** A ledger over records in memory; its usage is by model alone, and it notes what it was asked. */
export function memoryLedger(records: readonly CallRecord[]): MemoryLedger {
  const asked: (ReceiptQuery | UsageQuery)[] = []
  return {
    asked,
    receipt: async id => records.find(record => record.id === id) ?? null,
    receipts: async query => {
      asked.push(query)
      const { since = 0, until = Number.POSITIVE_INFINITY, outcome, cursor = '', limit } = query
      if (cursor !== '' && callIdToInteger(cursor) === null) throw new RangeError(`cursor: ${cursor}`)
      const found = records.filter(
        ({ at, id, outcome: was }) => at >= since && at < until && (!outcome || was === outcome) && id > cursor,
      )
      const page = found.slice(0, limit)
      return { records: page, cursor: found.length > limit ? page.at(-1)!.id : null }
    },
    usage: async query => {
      asked.push(query)
      return usageOf(records, query)
    },
  }
}

function usageOf(records: readonly CallRecord[], query: UsageQuery): UsageReport {
  const sums = (of: readonly CallRecord[]) => ({
    requests: of.length,
    inputTokens: 1_000 * of.length,
    cachedInputTokens: 200 * of.length,
    outputTokens: 100 * of.length,
    dollars: of.reduce((sum, { dollars }) => sum + (dollars ?? 0n), 0n),
    wastedDollars: 0n,
    unratedAttempts: 0,
  })
  const models = [...new Set(records.map(({ model }) => model))]
  const rows = models.map(model => ({
    ...sums(records.filter(record => record.model === model)),
    group: Object.fromEntries(query.by.map(name => [name, name === 'model' ? model : null])),
  }))
  return { rows, totals: sums(records) }
}

/** A receipt with the fields that the stage's readers look at. */
export function plainReceipt(record: CallRecord): Receipt {
  const receipt = receiptOf(record)
  const lines = [{ unit: 'input', tokens: 1_000, dollarsPerMillion: '1', dollars: '0.001' }] as const
  return { ...receipt, attempts: receipt.attempts.map(attempt => ({ ...attempt, lines })) }
}

export interface Stage {
  readonly url: string
  readonly ledger: MemoryLedger
  readonly registry: Registry
  readonly limits: MemoryLimits
  /** Where calls of subscribers can be asked for. */
  readonly planned: OpenLimits
  close(): Promise<void>
}

export interface Asked {
  /** Null for none. */
  readonly token?: string | null
  readonly method?: string
  /** Sent as JSON, a text as it is. */
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

/** Asks the admin API of a stage, with its token unless told otherwise. */
export async function askAdmin(stage: Stage, path: string, asked: Asked = {}) {
  const { token = ADMIN_TOKEN, method, body, headers = {} } = asked
  const response = await fetch(`${stage.url}/admin/v1/${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: text === '' ? null : JSON.parse(text) }
}

/** A server with the admin API over a registry, limits and a ledger in memory; `others` answers what is not below `/admin/`. */
export async function openStage(records: readonly CallRecord[] = [], others?: RequestListener): Promise<Stage> {
  const registry = memoryRegistry()
  const ledger = memoryLedger(records)
  const limits = memoryLimits(BEGAN, [DECLARED])
  const planned = await openPlans(limits)
  const fetch = createAdmin({
    registry,
    ledger,
    // Limits of plans are in a book of their own here.
    limits: { ...limits, states: query => (query.plan === undefined ? limits : planned.registry).states(query) },
    plans: planned.plans,
    audits: limits.audits,
    fleet: memoryFleet(),
    tiers: DEFAULT_TIERS,
    note: async change => limits.keep({ at: BEGAN, ...change }),
    receiptOf: plainReceipt,
  })
  const admin = adminHandler(fetch, ADMIN_TOKEN)
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/admin/')) admin(request, response)
    else if (others) others(request, response)
    else response.writeHead(404).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: urlOf(server), registry, ledger, limits, planned, close: () => closed(server) }
}

/** Real plans over a disk in memory, whose changes stand in the audit of the limits. */
async function openPlans({ keep }: MemoryLimits): Promise<OpenLimits> {
  const disk = new Disk().store()
  const store: LimitStore = {
    ...disk,
    putLimit: async (limit, entry) => {
      await disk.putLimit(limit, entry)
      keep(entry)
    },
    removeLimit: async (id, entry) => {
      await disk.removeLimit(id, entry)
      keep(entry)
    },
  }
  const clock = { now: () => BEGAN, monotonic: () => 0, after: () => () => {} }
  return openLimits({ limits: [], plans: [DECLARED_PLAN] }, store, clock)
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise(resolve => server.close(() => resolve()))
}
