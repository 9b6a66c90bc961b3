import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runPenstock } from './penstock.fixture.ts'
import { sessionOf } from './statusLine.ts'

const ADMIN = 'admin-token-of-limits'
const KEY = 'sk-caller-key'
const RESETS_AT = new Date(Date.now() + 3_000_000_000).toISOString()
const REQUESTS = { scope: 'key:ci', unit: 'requests', window: { sliding: '1m' }, amount: 5, used: 2, held: 0, left: 3 }
const DOLLARS = {
  scope: 'user:ana',
  unit: 'dollars',
  window: 'total',
  amount: '3',
  used: '1',
  held: '0.5',
  left: '1.5',
}
const STATES = [
  { ...REQUESTS, resetsAt: RESETS_AT, id: 'lim_1' },
  { ...DOLLARS, resetsAt: null, id: 'lim_2' },
]
const PLANNED = { ...DOLLARS, scope: 'plan:pro', resetsAt: null, id: 'lim_3', plan: 'pro', part: 'included' }
const OWN = [
  { ...REQUESTS, resetsAt: null },
  { ...DOLLARS, resetsAt: null },
]

const folder = mkdtempSync(join(tmpdir(), 'penstock-cli-limits-'))
const dataDirectory = join(folder, 'data')
/** What the gateway was asked: path, secret, run. */
const asked: unknown[][] = []
/** What it answers to whoever has the key `sk-odd-key`. */
let odd: { readonly status: number; readonly body: string } | 'nothing'
let server: Server
let url: string

beforeAll(async () => {
  mkdirSync(dataDirectory)
  writeFileSync(join(dataDirectory, 'admin-token'), `${ADMIN}\n`, { mode: 0o600 })
  server = createServer((request, response) => {
    const { authorization, 'x-penstock-run': run } = request.headers
    const secret = authorization?.replace('Bearer ', '')
    asked.push([request.url, secret, run])
    const send = (status: number, body: string) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    if (secret === 'sk-odd-key') return odd === 'nothing' ? undefined : send(odd.status, odd.body)
    const { pathname, searchParams } = new URL(request.url!, url)
    if (pathname === '/admin/v1/limit-states' && secret === ADMIN) {
      const scope = searchParams.get('scope')
      if (scope === 'galaxy') {
        const faults = [{ place: 'scope', message: 'expected a scope' }]
        return send(400, JSON.stringify({ error: { message: 'scope: expected a scope', faults } }))
      }
      if (scope === PLANNED.scope) return send(200, JSON.stringify({ limits: [PLANNED] }))
      return send(200, JSON.stringify({ limits: STATES.filter(limit => scope === null || limit.scope === scope) }))
    }
    if (pathname === '/v1/limits' && secret === KEY) return send(200, JSON.stringify({ limits: OWN }))
    return send(401, '{"error":{"message":"no such key"}}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  asked.length = 0
})

const penstock = (args: readonly string[], env: Record<string, string> = {}, input: string | null = '') =>
  runPenstock(args, { cwd: folder, env, input })
const asAdmin = (args: readonly string[]) =>
  penstock(['limits', ...args], { PENSTOCK_URL: url, PENSTOCK_ADMIN_TOKEN: ADMIN })

/** A configuration with the address of the gateway, written to a file. */
function configured(name: string, more: object, listen = new URL(url).host): string {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify({ listen, ...more }))
  return path
}

describe('penstock limits', () => {
  it('prints as JSON what the API says', async () => {
    const { code, out } = await asAdmin(['--format', 'json'])
    expect([code, JSON.parse(out)]).toEqual([0, { limits: STATES }])
    expect(asked).toEqual([['/admin/v1/limit-states', ADMIN, undefined]])
  })

  it('asks for one scope', async () => {
    const { out } = await asAdmin(['--scope', 'key:ci', '--format', 'json'])
    expect(JSON.parse(out)).toEqual({ limits: [STATES[0]] })
    expect(asked).toEqual([['/admin/v1/limit-states?scope=key%3Aci', ADMIN, undefined]])
  })

  it('prints as a table windows and resets in words, as CSV as they are', async () => {
    const table = (await asAdmin([])).out
    expect(table).toMatch(/│ key:ci +│ requests │ any 1m │ +2 │ +0 │ +3 │ +5 │ in 34d \d+h │/)
    expect(table).toMatch(/│ user:ana │ dollars +│ total +│ +1 │ +0\.5 │ +1\.5 │ +3 │ +│/)
    const lines = (await asAdmin(['--format', 'csv'])).out.split('\n')
    expect(lines.slice(0, 2)).toEqual([
      'scope,unit,window,amount,used,held,left,resetsAt,id,plan',
      `key:ci,requests,"{""sliding"":""1m""}",5,2,0,3,${RESETS_AT},lim_1,`,
    ])
  })

  it('shows of which plan a limit is, where there is one', async () => {
    expect((await asAdmin(['--scope', 'plan:pro'])).out).toMatch(/│ plan │ scope .*\n.*\n│ pro +│ plan:pro │ dollars/)
    expect((await asAdmin([])).out).not.toContain('plan')
    expect((await asAdmin(['--scope', 'plan:pro', '--format', 'csv'])).out).toMatch(/,lim_3,pro\n$/)
  })

  it('ends with 2 for a scope that the gateway calls wrong, and says it once', async () => {
    const { code, out, err } = await asAdmin(['--scope', 'galaxy'])
    expect([code, out, err]).toEqual([2, '', 'scope: expected a scope\n'])
  })

  it("tells a caller its own view, of one scope where that is asked, an each: limit by its member's", async () => {
    const env = { PENSTOCK_URL: url, PENSTOCK_KEY: KEY }
    const all = await penstock(['limits', '--format', 'json', '--data', join(folder, 'none')], env)
    expect(JSON.parse(all.out)).toEqual({ limits: OWN })
    const args = ['limits', '--format', 'json', '--key', KEY, '--data', dataDirectory]
    const own = await penstock([...args, '--scope', 'each:user'], env)
    expect(JSON.parse(own.out)).toEqual({ limits: [OWN[1]] })
    expect(asked.map(([path, secret]) => [path, secret])).toEqual(Array(2).fill(['/v1/limits', KEY]))
  })

  it('fails where the answer is no list of limits', async () => {
    odd = { status: 200, body: '{"object":"list"}' }
    const { code, out, err } = await penstock(['limits', '--key', 'sk-odd-key', '--url', url])
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain('no list of limits')
  })
})

describe('the gateway of a command', () => {
  const json = ['limits', '--format', 'json']

  it('is the configured one, with its token, whatever else its file lacks here', async () => {
    const upstreams = { a: { dialect: 'openai', baseUrl: 'http://a', apiKey: `\${NOT_SET_HERE}` } }
    const path = configured('whole.json', { adminToken: ADMIN, upstreams })
    const { code } = await penstock(json, { PENSTOCK_CONFIG: path })
    expect([code, asked.length]).toEqual([0, 1])
  })

  it('has its token in the configured data directory where the configuration has none', async () => {
    const path = configured('data.json', { data: dataDirectory })
    expect((await penstock(json, { PENSTOCK_CONFIG: path })).code).toBe(0)
  })

  it('is another when it is named, and then it is not shown the configured token', async () => {
    const path = configured('other.json', { adminToken: ADMIN }, '127.0.0.1:1')
    const { code, err } = await penstock(json, { PENSTOCK_CONFIG: path, PENSTOCK_URL: url })
    expect([code, asked]).toEqual([1, []])
    expect(err).toContain('neither a key')
  })

  it('has the token of --data before the configured one', async () => {
    const path = configured('wrong.json', { adminToken: 'another-admin-token' })
    const wrong = await penstock(json, { PENSTOCK_CONFIG: path })
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining(path)])
    expect((await penstock([...json, '--data', dataDirectory], { PENSTOCK_CONFIG: path })).code).toBe(0)
  })

  it.each([
    ['soon', 'listen cannot be read'],
    ['127.0.0.1:0', 'listen leaves the port to the system'],
  ])('has to be named where the configuration says that it listens on %s', async (listen, told) => {
    const path = configured('nowhere.json', { adminToken: ADMIN }, listen)
    const { code, out, err } = await penstock(json, { PENSTOCK_CONFIG: path })
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(told)
    expect(err).toContain('--url')
  })
})

describe('penstock status-line', () => {
  const line = (env: Record<string, string>, input?: string | null) =>
    penstock(['status-line'], { PENSTOCK_URL: url, ...env }, input)

  it("tells what is left of the key's limits and of the run that the tool names", async () => {
    const { code, out } = await line({ PENSTOCK_KEY: KEY }, '{"session_id":"session-1","cwd":"/"}')
    expect([code, out]).toEqual([0, 'penstock  user $1.50 of $3.00 left · 3 of 5 requests left\n'])
    expect(asked).toEqual([['/v1/limits', KEY, 'session-1']])
  })

  it('waits for no tool that says nothing and leaves standard input open', async () => {
    const { code, out } = await line({ PENSTOCK_KEY: KEY }, null)
    expect([code, out.startsWith('penstock  user')]).toEqual([0, true])
    expect(asked).toEqual([['/v1/limits', KEY, undefined]])
  })

  it.each([
    ['nobody listens', { PENSTOCK_URL: 'http://127.0.0.1:1' }, 'penstock: not reachable'],
    ['the key is wrong', { PENSTOCK_KEY: 'sk-wrong' }, 'penstock: the key is not known'],
    ['there is no key', {}, 'penstock: no key (PENSTOCK_KEY)'],
  ])('prints a line and fails no tool when %s', async (_, env, told) => {
    expect(await line(env)).toEqual({ code: 0, out: `${told}\n`, err: '' })
  })

  it.each([
    ['nothing', 'nothing', 'penstock: not reachable'],
    ['a page', { status: 200, body: '<html>' }, 'penstock: not reachable'],
    ['a failure', { status: 503, body: '{}' }, 'penstock: the gateway answered 503 without limits'],
    ['other JSON', { status: 200, body: '{"limits":[1]}' }, 'penstock: the gateway answered 200 without limits'],
  ] as const)('prints a line and fails no tool when the answer is %s', async (_, answer, told) => {
    odd = answer
    expect(await line({ PENSTOCK_KEY: 'sk-odd-key' })).toEqual({ code: 0, out: `${told}\n`, err: '' })
  })

  it.each([
    [['--colour'], {}],
    [['more'], {}],
    [['--url', 'localhost'], {}],
    [[], { PENSTOCK_CONFIG: '/nowhere/penstock.yaml' }],
  ])('ends with 2 for wrong usage: %j %j', async (args, env) => {
    const { code, out, err } = await penstock(['status-line', ...args], env)
    expect([code, out]).toEqual([2, ''])
    expect(err).not.toBe('')
  })

  it.each([
    ['{"session_id":"a-1"}', 'a-1'],
    ['', null],
    ['{"session_id":', null],
    ['null', null],
    ['[]', null],
    ['{"session_id":7}', null],
    ['{"session_id":""}', null],
    ['{"session_id":"a b"}', null],
    ['{"session_id":"a\\r\\nx: y"}', null],
    [`{"session_id":"${'x'.repeat(129)}"}`, null],
  ])('takes from %s the run %j', (text, session) => expect(sessionOf(text)).toBe(session))
})
