import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatFaults } from './configuration/fault.ts'
import { loadConfiguration } from './configuration/load.ts'
import { openGateway, type Running } from './running.ts'

const PLAN = readFileSync(new URL('../../examples/plans/cursor.yaml', import.meta.url), 'utf8')
const ADMIN = 'admin-token-of-plans'
const KEY = 'sk-key-of-ana'
const MONTH = { cycle: 'month', from: '2026-01-15' }
/** What one call costs, by its one output token. */
const PRICE = 7
const USAGE = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 }

let folder: string
let upstream: Server
let gateway: Running | null = null

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-plans-'))
  upstream = createServer((request, response) => {
    request.resume().on('end', () => {
      const choices = [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }]
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ choices, usage: USAGE }))
    })
  })
  await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  await gateway?.stop()
  gateway = null
  upstream.closeAllConnections()
  await new Promise(resolve => upstream.close(resolve))
  rmSync(folder, { recursive: true, force: true })
})

function written(workers: number, plans: string): string {
  const { port } = upstream.address() as AddressInfo
  return `
listen: 127.0.0.1:0
data: ${JSON.stringify(join(folder, 'data'))}
adminToken: ${ADMIN}
workers: ${workers}
upstreams: { mock: { dialect: openai, baseUrl: "http://127.0.0.1:${port}/v1" } }
models: { fast: { deployments: [{ upstream: mock, model: m }] } }
prices: [{ upstream: mock, model: m, input: "0", output: "${PRICE}000000" }]
keys: [{ name: ana, secret: ${KEY}, team: search, user: ana }]
${plans}`
}

/** Stops the gateway, if one runs, and starts it with a configuration. */
async function start(workers: number, plans: string): Promise<void> {
  await gateway?.stop()
  gateway = null
  const text = written(workers, plans)
  const { configuration, faults } = loadConfiguration({
    path: 'p.yaml',
    env: {},
    read: () => ({ text, modifiedAt: 0 }),
  })
  if (configuration === undefined) throw new Error(formatFaults(faults))
  gateway = await openGateway(configuration, { env: { PENSTOCK_LOG_LEVEL: 'silent' }, note: () => {} })
}

/** Asks for one token: the status, and on whose overflow it was. */
async function call(): Promise<readonly [number, string | null]> {
  const answer = await fetch(`${gateway!.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'fast', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] }),
  })
  await answer.arrayBuffer()
  return [answer.status, answer.headers.get('x-penstock-overflow')]
}

async function admin(path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST') {
  const answer = await fetch(`${gateway!.url}/admin/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, json: text === '' ? null : JSON.parse(text) }
}

/** The caller's own view: plan, part, used, left. */
async function own(): Promise<unknown> {
  const answer = await fetch(`${gateway!.url}/v1/limits`, { headers: { authorization: `Bearer ${KEY}` } })
  const { limits } = (await answer.json()) as { limits: readonly Record<string, unknown>[] }
  return limits.map(({ plan, part, scope, used, left }) => [plan, part, scope, used, left])
}

describe.each([1, 2])('a gateway of %i threads with the plan of an example', workers => {
  it('serves the allowance, then the overflow by its name, then refuses, and knows it all after a restart', async () => {
    await start(workers, PLAN)
    const included = [200, null] as const
    const overflow = [200, 'cursor-pro'] as const
    expect([await call(), await call(), await call()]).toEqual([included, included, overflow])
    const taken = [
      ['cursor-pro', 'overflow', 'plan:cursor-pro', '7', '193'],
      ['cursor-pro', 'included', 'user:ana', '14', '6'],
      ['cursor-pro', 'overflow', 'user:ana', '7', '43'],
    ]
    expect(await own()).toEqual(taken)
    await start(workers, PLAN)
    expect(await own()).toEqual(taken)
    // The call that takes six dollars more than are left is not split, and the seventh of the overflow has no room.
    for (let i = 0; i < 6; i++) expect(await call()).toEqual(overflow)
    expect(await call()).toEqual([429, null])
    expect((await admin('plans/cursor-pro')).json).toMatchObject({
      readOnly: true,
      subscribers: ['team:search'],
      included: [{ scope: 'each:user', amount: '20', window: MONTH, onReached: 'overflow' }],
      states: [
        { scope: 'user:ana', part: 'included', used: '14' },
        { scope: 'user:ana', part: 'overflow', used: '49', left: '1' },
        { scope: 'plan:cursor-pro', part: 'overflow', used: '49' },
      ],
    })
    // Raised in the file, the allowance keeps its use.
    await start(workers, PLAN.replace('amount: "20"', 'amount: "30"'))
    expect([await call(), await call()]).toEqual([included, included])
    expect(await call()).toEqual([429, null])
  })

  it('binds by a plan that is made while it runs, whose credits are granted and ended', async () => {
    await start(workers, '')
    expect(await call()).toEqual([200, null])
    const limits = [{ scope: 'plan', unit: 'dollars', grants: [{ id: 'first', amount: '7', createdAt: '2026-01-01' }] }]
    expect((await admin('plans', { name: 'prepaid', subscribers: ['user:ana'], limits })).status).toBe(201)
    expect([await call(), await call()]).toEqual([
      [200, null],
      [429, null],
    ])
    expect((await admin('plans/prepaid/grants', { id: 'more', amount: '20' })).status).toBe(201)
    expect(await call()).toEqual([200, null])
    await start(workers, '')
    expect((await admin('plans/prepaid/grants', undefined, 'DELETE')).status).toBe(404)
    expect((await admin('plans/prepaid/grants/more', undefined, 'DELETE')).status).toBe(204)
    expect(await call()).toEqual([429, null])
    expect((await admin('plans/prepaid/grants')).json.grants).toMatchObject([
      { id: 'more', used: '7', left: '0', expired: '13' },
      { id: 'first', used: '7', left: '0', expired: '0' },
    ])
    expect((await admin('plans/prepaid', undefined, 'DELETE')).status).toBe(204)
    expect(await call()).toEqual([200, null])
    const { entries } = (await admin('audit')).json
    expect(entries.map(({ action, subject }: Record<string, string>) => `${action} ${subject}`)).toEqual([
      'delete plan:prepaid',
      'change grant:more',
      'create grant:more',
      'create plan:prepaid',
    ])
  })
})
