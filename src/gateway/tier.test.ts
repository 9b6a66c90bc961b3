import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Key } from '../vocabulary/caller.ts'
import { DEFAULT_TIERS } from '../vocabulary/tier.ts'
import { SECRET, type Stage, startStage } from './stage.fixture.ts'
import { tierOf } from './tier.ts'

function keyOf(tiers: readonly string[] | null): Key {
  const whose = { name: 'night', team: null, user: null, tags: {}, models: null }
  return { ...whose, tiers, secretHash: 'abc', createdAt: 0, declared: true }
}

function told(header: string | undefined, tiers: readonly string[] | null) {
  return tierOf(header === undefined ? {} : { 'x-penstock-tier': header }, keyOf(tiers), DEFAULT_TIERS)
}

describe('the tier of a call', () => {
  it.each([
    [undefined, null, 'standard'],
    [undefined, ['batch', 'interactive'], 'batch'],
    [undefined, ['gone', 'interactive'], 'interactive'],
    ['interactive', null, 'interactive'],
    [' batch ', null, 'batch'],
    ['interactive', ['batch', 'interactive'], 'interactive'],
  ])('of the header %j by a key for %j is %s', (header, tiers, tier) => {
    expect(told(header, tiers)).toEqual({ tier })
  })

  it.each(['', 'Batch', 'urgent', 'batch, batch', 'x'.repeat(5_000)])('is refused as malformed for %j', header => {
    for (const tiers of [null, ['batch']]) {
      const refusal = told(header, tiers)
      expect(refusal).toMatchObject({ cause: 'malformed' })
      const { message } = refusal as { message: string }
      expect(message).toMatch(/^x-penstock-tier: expected one of interactive, standard, batch; got "/)
      expect(message.length).toBeLessThan(200)
    }
  })

  it.each([
    ['interactive', ['batch'], 'it may use batch'],
    ['standard', ['batch', 'interactive'], 'it may use batch, interactive'],
    [undefined, ['gone'], 'tiers that there are no more: gone'],
  ])('of the header %j is refused to a key for %j', (header, tiers, why) => {
    expect(told(header, tiers)).toEqual({ cause: 'tierNotAllowed', message: expect.stringContaining(why) })
  })
})

describe('a call that names a tier or a deadline', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await startStage((_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end('{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}')
    })
  })
  afterAll(() => stage.close())

  const ask = (headers: Record<string, string>) =>
    fetch(`${stage.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json', ...headers },
      body: '{"model":"fast","messages":[{"role":"user","content":"hi"}]}',
    })

  it('is kept with its tier', async () => {
    await (await ask({ 'x-penstock-tier': 'batch' })).text()
    expect(stage.records.at(-1)).toMatchObject({ tier: 'batch', outcome: 'completed' })
    await (await ask({})).text()
    expect(stage.records.at(-1)).toMatchObject({ tier: 'standard' })
  })

  it.each([
    ['x-penstock-tier', 'urgent', 'interactive, standard, batch'],
    ['x-penstock-deadline', 'soon', 'expected a duration'],
    ['x-penstock-deadline', '-1s', 'expected a duration'],
  ])('%s: %s gets 400, and no upstream is asked', async (name, value, expected) => {
    const before = stage.records.length
    const response = await ask({ [name]: value })
    const { error } = (await response.json()) as { error: { message: string; type: string } }
    expect([response.status, error.type]).toEqual([400, 'invalid_request_error'])
    expect(error.message).toContain(expected)
    expect([stage.records.length, response.headers.get('x-should-retry')]).toEqual([before, 'false'])
  })

  it('with a deadline that is over as it comes is refused in time, and nothing hangs', async () => {
    const response = await ask({ 'x-penstock-deadline': '0s' })
    expect(response.status).toBeGreaterThanOrEqual(500)
    expect(await response.json()).toHaveProperty('error')
  })
})
