import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_TOKEN, type Asked, askAdmin, BEGAN, openStage, recordOf, type Stage } from './stage.fixture.ts'

const RECORDS = [recordOf(0), recordOf(1, { outcome: 'failed', status: 502 }), recordOf(2, { model: 'other' })]

let stage: Stage
beforeAll(async () => {
  stage = await openStage(RECORDS)
})
afterAll(() => stage.close())

const ask = (path: string, asked?: Asked) => askAdmin(stage, path, asked)

describe('the admin token', () => {
  it.each([
    ['no token', null],
    ['another token', 'other'],
    ['a longer token', `${ADMIN_TOKEN}x`],
    ["a caller's key", 'secret-of-ci'],
  ])('is required: %s gets 401 and a challenge', async (_, token) => {
    for (const path of ['keys', 'openapi.json', 'nothing']) {
      const answer = await ask(path, { token })
      expect(answer.status).toBe(401)
      expect(answer.json.error.code).toBe('invalid_admin_token')
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
  })

  it('opens nothing when it stands in x-api-key, for that is where callers put theirs', async () => {
    expect((await ask('keys', { token: null, headers: { 'x-api-key': ADMIN_TOKEN } })).status).toBe(401)
  })
})

describe('keys', () => {
  it('are made with their secret shown once, work at once, and are gone once revoked', async () => {
    const made = await ask('keys', {
      body: {
        name: 'robot',
        team: 'search',
        tags: { project: 'atlas' },
        models: ['fast'],
        tiers: ['batch', 'standard'],
      },
    })
    expect(made.status).toBe(201)
    expect(made.json).toMatchObject({ name: 'robot', team: 'search', user: null, models: ['fast'], readOnly: false })
    expect(made.json.tiers).toEqual(['batch', 'standard'])
    expect(stage.registry.authenticate(made.json.secret)).toMatchObject({ name: 'robot', tiers: ['batch', 'standard'] })

    const listed = await ask('keys')
    expect(listed.json.keys.map((key: { name: string }) => key.name)).toEqual(['ci', 'robot'])
    expect(listed.text).not.toContain(made.json.secret)
    expect(listed.text).not.toMatch(/secretHash|[0-9a-f]{64}/)

    const revoked = await ask('keys/robot', { method: 'DELETE' })
    expect([revoked.status, revoked.text]).toEqual([204, ''])
    expect(stage.registry.authenticate(made.json.secret)).toBeNull()
    expect((await ask('keys/robot', { method: 'DELETE' })).status).toBe(404)
  })

  it('that the configuration declares are not revoked', async () => {
    const answer = await ask('keys/ci', { method: 'DELETE' })
    expect([answer.status, answer.json.error.code]).toEqual([409, 'declared'])
    expect(stage.registry.keys().map(({ name }) => name)).toContain('ci')
  })

  it('with a name that is taken are not made', async () => {
    const answer = await ask('keys', { body: { name: 'ci' } })
    expect([answer.status, answer.json.error.code]).toEqual([409, 'name_taken'])
  })

  it('tell every fault of a wrong one at once, each with its place and what was expected', async () => {
    const answer = await ask('keys', {
      body: { name: '-no', team: 7, tags: { 'no good': 'x', project: '' }, models: [], colour: 'red', size: 1 },
    })
    expect(answer.status).toBe(400)
    const places = answer.json.error.faults.map((fault: { place: string }) => fault.place)
    expect(places.sort()).toEqual(['colour', 'models', 'name', 'size', 'tags.no good', 'tags.project', 'team'])
    for (const { message } of answer.json.error.faults) expect(message).toMatch(/expected/)
    for (const place of places) expect(answer.json.error.message).toContain(place)
  })

  it('may not name a tier that there is not, or none at all', async () => {
    const answer = await ask('keys', { body: { name: 'robot', tiers: ['batch', 'night'] } })
    expect(answer.status).toBe(400)
    expect(answer.json.error.faults).toEqual([
      { place: 'tiers.1', message: "there is no tier 'night': expected one of interactive, standard, batch" },
    ])
    for (const tiers of [[], 'batch', [7]]) {
      const wrong = await ask('keys', { body: { name: 'robot', tiers } })
      expect([wrong.status, wrong.json.error.message]).toEqual([400, expect.stringMatching(/^tiers.*expected/)])
    }
  })

  it('may not name a model that nobody has', async () => {
    const answer = await ask('keys', { body: { name: 'robot', models: ['fast', 'nothing'] } })
    expect(answer.status).toBe(400)
    expect(answer.json.error.faults).toEqual([{ place: 'models.1', message: "there is no model 'nothing'" }])
  })

  it.each([
    ['a body that is no JSON', '{"name":', {}],
    ['a body that is no object', '[]', {}],
    ['no body', '', {}],
    ['a form', 'name=robot', { 'content-type': 'application/x-www-form-urlencoded' }],
  ])('are not made of %s', async (_, body, headers) => {
    const answer = await ask('keys', { body, headers })
    expect([answer.status, answer.json.error.code]).toEqual([400, 'invalid_input'])
  })

  it('are not made of a body that is too large, whether it says its length or not', async () => {
    const large = JSON.stringify({ name: 'robot', team: 'x'.repeat(1_000_000) })
    expect((await ask('keys', { body: large })).status).toBe(413)
    expect(await statusOfChunked(large)).toBe(413)
    expect(stage.registry.keys()).toHaveLength(1)
  })
})

/** The status that a POST of keys gets whose body comes in one chunk without its length told before. */
function statusOfChunked(body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(stage.url).port), '127.0.0.1')
    socket.on('error', reject)
    socket.once('data', data => {
      socket.destroy()
      resolve(Number(data.toString().slice(9, 12)))
    })
    const head = `POST /admin/v1/keys HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN_TOKEN}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
    socket.write(`${head}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)
  })
}

describe('listings', () => {
  it('show models with their deployments, and upstreams without credentials', async () => {
    const models = (await ask('models')).json.models
    expect(models).toMatchObject([{ name: 'fast', route: 'inOrder', deployments: [{ name: 'mock/check-chat' }] }])
    expect((await ask('upstreams')).json.upstreams).toEqual([
      { name: 'mock', dialects: ['openai'], engine: null, baseUrls: ['http://10.0.0.1/v1'], source: 'configuration' },
    ])
  })
})

describe('receipts', () => {
  it('come in pages whose cursors lead through all of them, once', async () => {
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page = await ask(`receipts?limit=2${cursor ? `&cursor=${cursor}` : ''}`)
      expect(page.status).toBe(200)
      seen.push(...page.json.receipts.map((receipt: { id: string }) => receipt.id))
      cursor = page.json.cursor
    }
    expect(seen).toEqual(RECORDS.map(({ id }) => id))
  })

  it.each([
    ['outcome=failed', [1]],
    ['since=2026-03-01T00:00:01Z', [1, 2]],
    ['until=2026-03-01T00:00:01Z', [0]],
    ['since=2026-03-01T01:00:01%2B01:00&until=2026-03-01T00:00:02.000Z', [1]],
    ['since=2026-03-01T01:00:01+01:00', [1, 2]],
    ['since=2026-03-01&until=2026-03-02', [0, 1, 2]],
    ['since=2026-03-02', []],
  ])('of %s are the right ones', async (query, expected) => {
    const { json } = await ask(`receipts?${query}`)
    expect(json.receipts.map((r: { id: string }) => r.id)).toEqual(expected.map(n => RECORDS[n]!.id))
  })

  it('are told one by one, and 404 for what is not there or no id at all', async () => {
    const { id } = RECORDS[0]!
    const answer = await ask(`receipts/${id}`)
    expect([answer.status, answer.json.id, answer.json.dollars]).toEqual([200, id, '0.0015'])
    for (const other of ['pen_nothing', recordOf(9).id, `${id}'%20OR%201`, '..%2Fkeys']) {
      expect((await ask(`receipts/${other}`)).status).toBe(404)
    }
  })
})

describe('usage', () => {
  it('has a column for each dimension, money as decimal strings, and totals', async () => {
    const { status, json } = await ask('usage?by=model,tag:project')
    expect(status).toBe(200)
    expect(Object.keys(json.rows[0]).slice(0, 2)).toEqual(['model', 'tag:project'])
    expect(json.rows[0]).toMatchObject({ model: 'fast', 'tag:project': null, requests: 2, dollars: '0.003' })
    expect(json.totals).toMatchObject({ requests: 3, inputTokens: 3_000, dollars: '0.0045', wastedDollars: '0' })
  })

  it('asks the ledger for just what was asked, and for models when nothing was', async () => {
    await ask('usage?by=key,key,deployment&since=2026-03-01&until=2026-03-02T00:00:00Z')
    expect(stage.ledger.asked.at(-1)).toEqual({ by: ['key', 'deployment'], since: BEGAN, until: BEGAN + 86_400_000 })
    await ask('usage')
    expect(stage.ledger.asked.at(-1)).toMatchObject({ by: ['model'] })
  })
})

describe('wrong queries', () => {
  it.each([
    ['usage?by=colour,tag:,model&since=yesterday&until=2026-02-30&x=1', ['by', 'by', 'since', 'until', 'x']],
    ['usage?by=', ['by']],
    ['usage?by=model,team,user,key,deployment,tag:a', ['by']],
    ['usage?since=2026-03-02&until=2026-03-01', ['until']],
    ['receipts?outcome=lost&limit=0&cursor=', ['cursor', 'limit', 'outcome']],
    ['receipts?limit=1001', ['limit']],
    ['receipts?cursor=of-another-ledger', ['cursor']],
    ['receipts?limit=1.5', ['limit']],
    ['receipts?since=2026-03-01T00:00:00', ['since']],
    ['receipts?since=2026-03-01&since=2026-03-02', ['since']],
    ['receipts?since=2026-03-02&until=2026-03-01', ['until']],
    ['receipts?until=1772323200000', ['until']],
  ])('%s gets 400 and all its faults', async (path, expected) => {
    const answer = await ask(path)
    expect([answer.status, answer.json.error.code]).toEqual([400, 'invalid_input'])
    const faults: { place: string; message: string }[] = answer.json.error.faults
    expect(faults.map(fault => fault.place).sort()).toEqual(expected)
    for (const { message } of faults) expect(message).toMatch(/expected/)
  })
})

describe('whatever else is asked', () => {
  it.each([
    ['GET', 'nothing'],
    ['GET', 'keys/robot'],
    ['DELETE', 'keys'],
    ['GET', '../../admin/v2/keys'],
  ])('%s %s gets 404 in the one form of errors', async (method, path) => {
    const answer = await ask(path, { method })
    expect([answer.status, answer.json.error.type]).toEqual([404, 'invalid_request_error'])
    expect(answer.json.error.message).toContain(method)
  })

  it('sends no cookie, opens itself to no other origin, and is not to be cached', async () => {
    const { headers } = await ask('keys', { headers: { origin: 'https://elsewhere.example' } })
    expect([headers.get('set-cookie'), headers.get('access-control-allow-origin')]).toEqual([null, null])
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('tells a failure of the ledger as a 500 with its reason', async () => {
    const { usage } = stage.ledger
    Object.assign(stage.ledger, { usage: () => Promise.reject(new Error('the disk is gone')) })
    const answer = await ask('usage')
    Object.assign(stage.ledger, { usage })
    expect([answer.status, answer.json.error.type]).toEqual([500, 'server_error'])
    expect(answer.json.error.message).toContain('the disk is gone')
  })
})
