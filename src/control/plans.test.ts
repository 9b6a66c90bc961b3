import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newGrantSchema, newPlanSchema, planChangesSchema, planSchema, shownGrantSchema } from './plan-schema.ts'
import { type Asked, askAdmin, BEGAN, openStage, type Stage } from './stage.fixture.ts'

const AT = new Date(BEGAN).toISOString()
const WHO = { at: AT, actor: 'admin', address: '127.0.0.1' }
const LIMIT = { scope: 'each:user', unit: 'requests', amount: 5, window: { sliding: '1m' }, onReached: 'stop' }
const CREDITS = {
  scope: 'plan',
  unit: 'dollars',
  window: 'total',
  grants: [{ id: 'g', amount: '2', priority: 50, createdAt: '2026-01-01T00:00:00.000Z', kind: 'prepaid' }],
  onReached: 'stop',
}
const PRO = {
  name: 'pro',
  subscribers: ['user:ana', 'tag:cost=a'],
  limits: [LIMIT],
  included: [{ ...LIMIT, scope: 'plan', unit: 'dollars', amount: '1', onReached: 'overflow' }],
  overflow: [CREDITS],
}

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

const ask = (path: string, asked?: Asked) => askAdmin(stage, path, asked)
const patch = (name: string, body: unknown) => ask(`plans/${name}`, { method: 'PATCH', body })
const remove = (path: string) => ask(path, { method: 'DELETE' })

async function made(body: unknown) {
  const answer = await ask('plans', { body })
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)])
  return answer.json
}

function faultsOf(answer: Awaited<ReturnType<typeof ask>>): readonly string[] {
  expect([answer.status, answer.json.error.code]).toEqual([400, 'invalid_input'])
  return answer.json.error.faults.map(({ place }: { place: string }) => place).sort()
}

/** A call of a subscriber of the declared plan, for so many nano-dollars. */
function spend(dollars: bigint): unknown {
  const caller = { key: 'ci', team: 'search', user: null, tags: {}, run: null }
  const worst = { dollars, inputTokens: 0, outputTokens: 0 }
  let told: unknown = null
  stage.planned.desk.admit(
    { caller, model: 'fast', upstreams: ['mock'], runBudget: null, maxDollars: null, skip: [] },
    { worst, expected: null, isLearnt: false },
    answer => {
      told = answer.kind === 'admit' ? answer.overflow : answer.kind
      if (answer.kind === 'admit') answer.hold.post(worst)
    },
  )
  return told
}

describe('a plan that is made', () => {
  it('is shown as it was written, told in the list and by its name, with what is taken of its limits', async () => {
    const plan = await made(PRO)
    expect(plan).toEqual({ ...PRO, readOnly: false, createdAt: AT })
    expect((await ask('plans')).json.plans).toMatchObject([{ name: 'team', readOnly: true }, plan])
    const one = (await ask('plans/pro')).json
    expect(one).toMatchObject(plan)
    expect(one.states).toMatchObject([
      { scope: 'plan:pro', plan: 'pro', part: 'included', amount: '1', used: '0' },
      { scope: 'plan:pro', plan: 'pro', part: 'overflow', amount: '2', left: '2' },
    ])
  })

  it('is made once', async () => {
    await made(PRO)
    for (const name of ['pro', 'team']) {
      const { status, json } = await ask('plans', { body: { ...PRO, name } })
      expect([status, json.error.code]).toEqual([409, 'plan_exists'])
    }
  })

  it.each<[string, unknown, readonly string[]]>([
    ['nothing', {}, ['', 'name', 'subscribers']],
    ['a list', [], ['']],
    ['no JSON', '{', ['']],
    ['a name that is none', { ...PRO, name: 'a b' }, ['name']],
    ['an unknown field', { ...PRO, colour: 'red' }, ['colour']],
    [
      'faults everywhere',
      {
        name: 7,
        subscribers: ['galaxy'],
        limits: [{ ...LIMIT, unit: 'bananas', models: ['fast', 'none'] }],
        overflow: [{ ...LIMIT, onReached: { downgrade: 'none' } }],
      },
      ['limits.0.models.1', 'limits.0.unit', 'name', 'overflow', 'overflow.0.onReached.downgrade', 'subscribers.0'],
    ],
  ])('of %s is refused with every fault at once', async (_, body, places) => {
    expect(faultsOf(await ask('plans', { body }))).toEqual(places)
    expect((await ask('plans')).json.plans).toHaveLength(1)
  })

  it('is gone when it is removed', async () => {
    await made(PRO)
    expect((await remove('plans/pro')).status).toBe(204)
    for (const path of ['plans/pro', 'plans/pro/grants']) expect((await ask(path)).status).toBe(404)
    expect((await remove('plans/pro')).status).toBe(404)
  })

  it('is audited from form to form', async () => {
    await made(PRO)
    await patch('pro', { limits: null })
    await remove('plans/pro')
    const { name: _, ...form } = PRO
    const { limits: __, ...without } = form
    const subject = 'plan:pro'
    expect((await ask('audit?limit=3')).json.entries).toMatchObject([
      { ...WHO, action: 'delete', subject, before: without, after: null },
      { ...WHO, action: 'change', subject, before: form, after: without },
      { ...WHO, action: 'create', subject, before: null, after: form },
    ])
  })
})

describe('a change of a plan', () => {
  it('is of what it names, takes away what is null, and takes back what was shown', async () => {
    const plan = await made(PRO)
    const raised = [{ ...LIMIT, amount: 9 }]
    expect((await patch('pro', { limits: raised })).json).toEqual({ ...plan, limits: raised })
    expect((await patch('pro', { included: null, overflow: null })).json).toEqual({
      name: 'pro',
      readOnly: false,
      createdAt: AT,
      subscribers: PRO.subscribers,
      limits: raised,
    })
    expect((await patch('pro', plan)).json).toEqual(plan)
  })

  it.each<[unknown, readonly string[]]>([
    [{}, ['']],
    [[], ['']],
    ['{', ['']],
    [{ name: 'pro' }, ['']],
    [{ included: null }, ['overflow']],
    [{ limits: null, included: null, overflow: null }, ['']],
    [{ subscribers: null, colour: 1, name: 'max' }, ['colour', 'name', 'subscribers']],
    [{ limits: [{ ...LIMIT, amount: -1, models: ['none'] }] }, ['limits.0.amount', 'limits.0.models.0']],
  ])('by %j is refused with every fault, and changes nothing', async (change, places) => {
    const plan = await made(PRO)
    expect(faultsOf(await patch('pro', change))).toEqual(places)
    expect((await ask('plans')).json.plans).toContainEqual(plan)
  })

  it('or removal of one of the configuration is refused, and of one that is not there', async () => {
    const answers = [await patch('team', { limits: [LIMIT] }), await remove('plans/team')]
    for (const { status, json } of answers) expect([status, json.error.code]).toEqual([409, 'declared'])
    expect((await patch('none', { limits: [LIMIT] })).status).toBe(404)
  })
})

describe('grants', () => {
  it('are told with what is used, left and expired, those of a declared plan too', async () => {
    const body = { id: 'gift', amount: '3', priority: 1, expiresAt: '2026-06-01', kind: 'promotional' }
    const answer = await ask('plans/team/grants', { body })
    expect([answer.status, answer.json]).toMatchObject([
      201,
      { ...body, expiresAt: '2026-06-01T00:00:00.000Z', createdAt: AT, used: '0', left: '3', written: false },
    ])
    expect([spend(1_000_000_000n), spend(3_500_000_000n), spend(2_000_000_000n)]).toEqual([[], ['team'], 'refuse'])
    const { grants } = (await ask('plans/team/grants')).json
    expect(grants).toMatchObject([
      { id: 'gift', scope: 'plan:team', unit: 'dollars', used: '3', left: '0', expired: '0', written: false },
      { id: 'first', used: '0.5', left: '1.5', expiresAt: null, written: true },
    ])
    expect((await remove('plans/team/grants/gift')).status).toBe(204)
    expect((await ask('audit?limit=2')).json.entries).toMatchObject([
      {
        ...WHO,
        action: 'change',
        subject: 'grant:gift',
        before: { plan: 'team', amount: '3' },
        after: { expiresAt: AT.replace('000Z', '001Z') },
      },
      { ...WHO, action: 'create', subject: 'grant:gift', before: null },
    ])
  })

  it.each([
    ['POST', 'none/grants', 404, 'not_found'],
    ['GET', 'none/grants', 404, 'not_found'],
    ['DELETE', 'none/grants/gift', 404, 'not_found'],
    ['DELETE', 'team/grants/gift', 404, 'not_found'],
    ['DELETE', 'team/grants/first', 409, 'declared'],
  ])('%s of %s gets %i', async (method, path, status, code) => {
    const answer = await ask(`plans/${path}`, { method, body: method === 'POST' ? { amount: '1' } : undefined })
    expect([answer.status, answer.json.error.code]).toEqual([status, code])
  })

  it('of an id that is taken, or with faults, are not made', async () => {
    const taken = await ask('plans/team/grants', { body: { id: 'first', amount: '1' } })
    expect([taken.status, taken.json.error.code]).toEqual([409, 'grant_exists'])
    expect(faultsOf(await ask('plans/team/grants', { body: { amount: 1, limit: 'x', colour: 1 } }))).toEqual([
      'amount',
      'colour',
      'limit',
    ])
    expect((await ask('plans/team/grants')).json.grants).toHaveLength(1)
  })
})

describe('the description of plans', () => {
  it('fits every plan and grant that is made and shown', async () => {
    const burning = {
      ...LIMIT,
      unit: 'tokens',
      except: ['user:ana'],
      models: ['fast'],
      weights: { output: '5' },
      multipliers: { inferenceGeo: { us: '1.1' } },
    }
    const seats = {
      scope: 'plan',
      unit: 'dollars',
      window: { calendar: 'month' },
      seats: [{ kind: 'a', count: 1, each: '2' }],
    }
    const form = { ...PRO, limits: [LIMIT, burning, seats] }
    expect(newPlanSchema.safeParse(form).error?.issues ?? []).toEqual([])
    const plan = await made(form)
    expect(planSchema.strict().safeParse(plan).error?.issues ?? []).toEqual([])
    expect(planChangesSchema.safeParse({ ...plan, limits: null }).success).toBe(true)
    expect(newGrantSchema.safeParse({ amount: '1', limit: 'lim_1' }).success).toBe(true)
    expect(newGrantSchema.safeParse({ amount: '1', colour: 1 }).success).toBe(false)
    const { grants } = (await ask('plans/pro/grants')).json
    expect(shownGrantSchema.strict().safeParse(grants[0]).error?.issues ?? []).toEqual([])
  })
})

describe('states of limits', () => {
  it('can be asked for by the pool of a plan', async () => {
    expect((await ask('limit-states?scope=plan:team')).status).toBe(200)
    expect(stage.limits.asked).toEqual([{ scope: 'plan:team', limit: 1_000 }])
    expect(faultsOf(await ask('limit-states?scope=plan:'))).toEqual(['scope'])
  })
})
