import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addressOf } from './app.ts'
import { type Asked, askAdmin, BEGAN, openStage, type Stage } from './stage.fixture.ts'

const BUDGET = { scope: 'key:ci', unit: 'dollars', amount: '0.1', window: 'total', onReached: 'stop' }
const WHO = { at: new Date(BEGAN).toISOString(), actor: 'admin', address: '127.0.0.1' }

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

const ask = (path: string, asked?: Asked) => askAdmin(stage, path, asked)

/** Makes a limit and changes its amount up to what is told: as many entries as dollars. */
async function changeUpTo(dollars: number): Promise<string> {
  const { id } = (await ask('limits', { body: { ...BUDGET, amount: '1' } })).json
  for (let amount = 2; amount <= dollars; amount++) {
    await ask(`limits/${id}`, { method: 'PATCH', body: { amount: `${amount}` } })
  }
  return id
}

describe('the audit', () => {
  it('tells who changed what, from where, from what to what, newest first', async () => {
    const { id } = (await ask('limits', { body: BUDGET })).json
    await ask(`limits/${id}`, { method: 'PATCH', body: { amount: '2' } })
    await ask(`limits/${id}`, { method: 'DELETE' })
    const raised = { ...BUDGET, amount: '2' }
    const subject = `limit:${id}`
    expect((await ask('audit')).json).toEqual({
      entries: [
        { number: 3, ...WHO, action: 'delete', subject, before: raised, after: null },
        { number: 2, ...WHO, action: 'change', subject, before: BUDGET, after: raised },
        { number: 1, ...WHO, action: 'create', subject, before: null, after: BUDGET },
      ],
      cursor: null,
    })
  })

  it('holds the address of the socket, whatever headers say', async () => {
    const headers = { 'x-forwarded-for': '10.9.9.9', forwarded: 'for=10.9.9.9', 'x-real-ip': '10.9.9.9' }
    await ask('limits', { body: BUDGET, headers })
    expect((await ask('audit')).json.entries).toMatchObject([WHO])
  })

  it('is silent of what was refused', async () => {
    await ask('limits', { body: { ...BUDGET, amount: 5 } })
    await ask('limits/lim_none', { method: 'DELETE' })
    await ask('limits', { body: BUDGET, token: 'other' })
    expect((await ask('audit')).json).toEqual({ entries: [], cursor: null })
  })

  it.each([1, 2, 3, 5, 6])('comes in pages of %d whose cursors lead through all of it, once', async size => {
    await changeUpTo(5)
    const seen: number[] = []
    let cursor: number | null = null
    do {
      const page = await ask(`audit?limit=${size}${cursor === null ? '' : `&before=${cursor}`}`)
      expect(page.status).toBe(200)
      expect(page.json.entries.length).toBeGreaterThan(0)
      seen.push(...page.json.entries.map(({ number }: { number: number }) => number))
      cursor = page.json.cursor
    } while (cursor !== null)
    expect(seen).toEqual([5, 4, 3, 2, 1])
  })

  it.each([
    ['?limit=0&before=0', ['before', 'limit']],
    ['?limit=1001', ['limit']],
    ['?before=-1', ['before']],
    ['?before=pen_1', ['before']],
    ['?since=2026-01-01', ['since']],
  ])('%s is refused with every fault', async (query, places) => {
    const { status, json } = await ask(`audit${query}`)
    expect([status, json.error.code]).toEqual([400, 'invalid_input'])
    expect(json.error.faults.map(({ place }: { place: string }) => place).sort()).toEqual(places)
    for (const { message } of json.error.faults) expect(message).toMatch(/expected/)
  })
})

describe('an address', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::1', '::1'],
    ['::ffff:a00:1', '::ffff:a00:1'],
    [undefined, null],
  ])('of %s is told as %s', (remoteAddress, address) => expect(addressOf(remoteAddress)).toBe(address))
})
