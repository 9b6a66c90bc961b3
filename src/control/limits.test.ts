import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { declaredLimitId } from '../vocabulary/limit.ts'
import { type Asked, askAdmin, BEGAN, DECLARED, openStage, type Stage } from './stage.fixture.ts'

const AT = new Date(BEGAN).toISOString()
const DECLARED_ID = declaredLimitId(DECLARED)
const BUDGET = { scope: 'key:ci', unit: 'dollars', amount: '0.1', window: 'total' }
const QUEUE = { scope: 'key:ci', unit: 'concurrency', amount: 8, onReached: 'queue', wait: '90s' }

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

const ask = (path: string, asked?: Asked) => askAdmin(stage, path, asked)
const patch = (id: string, body: unknown) => ask(`limits/${id}`, { method: 'PATCH', body })

async function made(body: unknown) {
  const answer = await ask('limits', { body })
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)])
  return answer.json
}

/** Faults by their places; every one says what was expected or what there is not. */
function faultsOf(answer: Awaited<ReturnType<typeof ask>>): readonly string[] {
  expect([answer.status, answer.json.error.code]).toEqual([400, 'invalid_input'])
  const faults: { place: string; message: string }[] = answer.json.error.faults
  for (const { place, message } of faults) {
    expect(message).toMatch(/expected|there is no/)
    expect(answer.json.error.message).toContain(place)
  }
  return faults.map(({ place }) => place).sort()
}

describe('a limit that is made', () => {
  it.each([
    { ...BUDGET, onReached: 'stop' },
    { scope: 'organisation', unit: 'tokens', amount: 200_000, window: { anchored: '5h' }, onReached: 'warn' },
    { scope: 'tag:project=atlas', unit: 'requests', amount: 0, window: { calendar: 'week' }, onReached: 'stop' },
    {
      scope: 'upstream:mock',
      unit: 'dollars',
      amount: '9',
      window: { cycle: 'month', from: '2026-01-31' },
      onReached: 'stop',
    },
    { scope: 'model:fast', unit: 'tokens', amount: 9, window: 'total', onReached: { downgrade: 'fast' } },
    QUEUE,
  ])('has its shape in the configuration, an id and when it was made: %j', async form => {
    const limit = await made(form)
    expect(limit).toEqual({ ...form, id: expect.stringMatching(/^lim_/), readOnly: false, createdAt: AT })
    expect((await ask('limits')).json.limits).toContainEqual(limit)
  })

  it('stands in the list beside those of the configuration, which are read-only', async () => {
    await made(BUDGET)
    const { limits } = (await ask('limits')).json
    expect(limits.map(({ scope, readOnly }: { scope: string; readOnly: boolean }) => [scope, readOnly])).toEqual([
      ['each:key', true],
      ['key:ci', false],
    ])
    expect(limits[0]).toEqual({
      id: DECLARED_ID,
      readOnly: true,
      createdAt: AT,
      scope: 'each:key',
      unit: 'requests',
      amount: 60,
      window: { sliding: '1m' },
      onReached: 'stop',
    })
  })

  it.each([
    [{ ...BUDGET, amount: '7', onReached: 'warn' }, 'key:ci over "total"'],
    [
      { scope: 'each:key', unit: 'requests', amount: 5, window: { sliding: '60s' } },
      `${DECLARED_ID} of the configuration`,
    ],
  ])('is not another of the same scope, unit and window: %j', async (form, told) => {
    await made(BUDGET)
    const answer = await ask('limits', { body: form })
    expect([answer.status, answer.json.error.code]).toEqual([409, 'limit_exists'])
    expect(answer.json.error.message).toContain(told)
  })
})

describe('a wrong limit', () => {
  const WRONG = {
    scope: 'galaxy',
    unit: 'bananas',
    amount: -3,
    window: { sliding: 'soon' },
    onReached: 'explode',
    colour: 'red',
  }

  it.each([
    ['all of it', WRONG, ['amount', 'colour', 'onReached', 'scope', 'unit', 'window']],
    ['nothing in it', {}, ['amount', 'scope', 'unit', 'window']],
    ['dollars as a number', { ...BUDGET, amount: 5 }, ['amount']],
    ['a window beside concurrency', { ...QUEUE, window: { sliding: '1m' } }, ['window']],
    ['a queue without its wait', { ...BUDGET, onReached: 'queue' }, ['wait']],
    ['a wait without its queue', { ...BUDGET, wait: '5s' }, ['wait']],
    ['what only answers show', { ...BUDGET, id: 'lim_1', readOnly: false }, ['id', 'readOnly']],
    ['no such model', { ...BUDGET, scope: 'model:none' }, ['scope']],
    ['no such upstream', { ...BUDGET, scope: 'upstream:none' }, ['scope']],
    ['no such model to go down to', { ...BUDGET, onReached: { downgrade: 'none' } }, ['onReached.downgrade']],
    [
      'names of nothing among other faults',
      { ...WRONG, scope: 'model:none', onReached: { downgrade: 'none' } },
      ['amount', 'colour', 'onReached.downgrade', 'scope', 'unit', 'window'],
    ],
    ['a list', [], ['']],
    ['a text', '"key:ci"', ['']],
    ['null', 'null', ['']],
    ['no JSON', '{"scope":', ['']],
    ['nothing', '', ['']],
  ])('with %s is refused with every fault at once', async (_, body, places) => {
    expect(faultsOf(await ask('limits', { body }))).toEqual(places)
    expect(stage.limits.limits()).toHaveLength(1)
  })

  it('is refused when it is no JSON by its own word', async () => {
    const headers = { 'content-type': 'text/plain' }
    expect(faultsOf(await ask('limits', { body: BUDGET, headers }))).toEqual(['content-type'])
  })
})

describe('one limit', () => {
  it('is told with how much of it is taken', async () => {
    const limit = await made(BUDGET)
    await made({ ...BUDGET, unit: 'requests', amount: 5 })
    stage.limits.use(limit.id, 'key:ci', 70_000_000)
    const { status, json } = await ask(`limits/${limit.id}`)
    expect(status).toBe(200)
    expect(json).toEqual({
      ...limit,
      states: [
        {
          id: limit.id,
          scope: 'key:ci',
          unit: 'dollars',
          window: 'total',
          amount: '0.1',
          used: '0.07',
          held: '0',
          left: '0.03',
          resetsAt: null,
        },
      ],
    })
  })

  it('that each member has of its own is told with all that have taken something', async () => {
    stage.limits.use(DECLARED_ID, 'key:ci', 2)
    stage.limits.use(DECLARED_ID, 'key:robot', 61)
    const { states } = (await ask(`limits/${DECLARED_ID}`)).json
    expect(states).toMatchObject([
      { scope: 'key:ci', used: 2, left: 58 },
      { scope: 'key:robot', used: 61, left: 0 },
    ])
  })

  it.each(['GET', 'PATCH', 'DELETE'])('that is unknown gets 404 from %s', async method => {
    const answer = await ask('limits/lim_none', { method, body: method === 'PATCH' ? { amount: 1 } : undefined })
    expect([answer.status, answer.json.error.code]).toEqual([404, 'not_found'])
  })

  it('of the configuration is neither changed nor removed', async () => {
    const answers = [await patch(DECLARED_ID, { amount: 1 }), await ask(`limits/${DECLARED_ID}`, { method: 'DELETE' })]
    for (const { status, json } of answers) expect([status, json.error.code]).toEqual([409, 'declared'])
    expect(stage.limits.limits()).toMatchObject([{ amount: 60 }])
  })

  it('is gone once it is removed', async () => {
    const { id } = await made(BUDGET)
    const answer = await ask(`limits/${id}`, { method: 'DELETE' })
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect((await ask(`limits/${id}`)).status).toBe(404)
    expect((await ask(`limits/${id}`, { method: 'DELETE' })).status).toBe(404)
  })
})

describe('a change of a limit', () => {
  it.each([
    [BUDGET, { amount: '0.25' }, { amount: '0.25', onReached: 'stop' }],
    [BUDGET, { amount: '0' }, { amount: '0' }],
    [BUDGET, { onReached: 'warn' }, { amount: '0.1', onReached: 'warn' }],
    [BUDGET, { onReached: { downgrade: 'fast' } }, { onReached: { downgrade: 'fast' } }],
    [BUDGET, { amount: '1', onReached: 'queue', wait: '1500ms' }, { amount: '1', onReached: 'queue', wait: '1500ms' }],
    [QUEUE, { wait: '5m' }, { onReached: 'queue', wait: '5m' }],
    [QUEUE, { onReached: 'queue' }, { onReached: 'queue', wait: '90s' }],
    [QUEUE, { onReached: 'stop' }, { onReached: 'stop' }],
    [BUDGET, { amount: '2', scope: 'key:ci', unit: 'dollars', window: 'total' }, { amount: '2' }],
    [QUEUE, { amount: 2, window: 'total' }, { amount: 2 }],
    [
      { ...BUDGET, window: { sliding: '1m' } },
      { amount: '2', window: { sliding: '60s' } },
      { window: { sliding: '1m' } },
    ],
  ])('of %j by %j makes it %j', async (form, change, expected) => {
    const limit = await made(form)
    const answer = await patch(limit.id, change)
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ id: limit.id, scope: limit.scope, unit: limit.unit, ...expected })
    expect('wait' in answer.json).toBe(answer.json.onReached === 'queue')
    expect((await ask('limits')).json.limits).toContainEqual(answer.json)
  })

  it.each([BUDGET, QUEUE])('takes back what was shown, with one field changed: %j', async form => {
    const limit = await made(form)
    const amount = form.unit === 'dollars' ? '3' : 3
    const answer = await patch(limit.id, { ...limit, amount })
    expect([answer.status, answer.json]).toEqual([200, { ...limit, amount }])
  })

  it.each([
    [{}, ['']],
    [[], ['']],
    ['null', ['']],
    ['{', ['']],
    [{ scope: 'key:ci' }, ['']],
    [{ amount: 5 }, ['amount']],
    [{ amount: null }, ['amount']],
    [{ amount: '-1', onReached: 'explode', colour: 'red' }, ['amount', 'colour', 'onReached']],
    [{ onReached: 'queue' }, ['onReached']],
    [{ wait: '5s' }, ['onReached']],
    [{ onReached: { downgrade: 'none' } }, ['onReached.downgrade']],
    [{ amount: '1', scope: 'key:cd', unit: 'requests', window: { sliding: '1m' } }, ['scope', 'unit', 'window']],
    [{ amount: '1', scope: 'galaxy', window: null }, ['scope', 'window']],
    [{ amount: '1', id: 'lim_1', readOnly: true, createdAt: '2026-01-01' }, ['createdAt', 'id', 'readOnly']],
    [{ amount: '1', states: [], toString: 1 }, ['states', 'toString']],
  ])('by %j is refused with every fault at once, and changes nothing', async (change, places) => {
    const limit = await made(BUDGET)
    expect(faultsOf(await patch(limit.id, change))).toEqual(places)
    expect((await ask('limits')).json.limits).toContainEqual(limit)
  })

  it('says that scope, unit and window stay as they are, and how they are', async () => {
    const { id } = await made(BUDGET)
    const { json } = await patch(id, { scope: 'key:cd' })
    expect(json.error.message).toBe(
      'scope: expected "key:ci" as it is: scope, unit and window of a limit can\'t change, make another',
    )
  })
})

describe('states of limits', () => {
  beforeEach(() => {
    stage.limits.use(DECLARED_ID, 'key:ci', 2)
    stage.limits.use(DECLARED_ID, 'key:robot', 3)
  })

  it('are those of all limits and members, a window being null where there is none', async () => {
    const { id } = await made(QUEUE)
    const { limits } = (await ask('limit-states')).json
    expect(limits.map(({ scope, used }: { scope: string; used: number }) => [scope, used])).toEqual([
      ['key:ci', 2],
      ['key:robot', 3],
      ['key:ci', 0],
    ])
    expect(limits[2]).toMatchObject({ id, unit: 'concurrency', window: null, amount: 8, left: 8, resetsAt: null })
  })

  it.each([
    ['', { limit: 1_000 }],
    ['?limit=10000', { limit: 10_000 }],
    ['?scope=each:key', { scope: 'each:key', limit: 1_000 }],
    ['?scope=key:ci&limit=1', { scope: 'key:ci', limit: 1 }],
    ['?scope=tag:project%3Da%20b', { scope: 'tag:project=a b', limit: 1_000 }],
    ['?scope=run:nobody', { scope: 'run:nobody', limit: 1_000 }],
  ])('%s are asked for as they were asked', async (query, asked) => {
    expect((await ask(`limit-states${query}`)).status).toBe(200)
    expect(stage.limits.asked).toEqual([asked])
  })

  it.each([
    ['?limit=0&scope=galaxy', ['limit', 'scope']],
    ['?limit=10001', ['limit']],
    ['?limit=1.5', ['limit']],
    ['?scope=', ['scope']],
    ['?scope=each:model', ['scope']],
    ['?unit=dollars', ['unit']],
  ])('%s are refused with every fault', async (query, places) => {
    expect(faultsOf(await ask(`limit-states${query}`))).toEqual(places)
  })
})
