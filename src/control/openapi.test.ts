import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { receiptOf } from '../policy/receipts/receipt.ts'
import { LIMIT_UNITS, type Limit } from '../vocabulary/limit.ts'
import { limitChangesSchema, limitSchema, newLimitSchema } from './limit-schema.ts'
import { shownLimit } from './limit-views.ts'
import { termsOf } from './limits.fixture.ts'
import { receiptSchema } from './receipt-schema.ts'
import { ADMIN_TOKEN, openStage, recordOf, type Stage } from './stage.fixture.ts'

const BUDGET = { scope: 'key:ci', unit: 'dollars', amount: '0.1', window: 'total' as unknown }
const QUEUEING = { ...BUDGET, onReached: 'queue', wait: '30s' }
const WINDOWS = [
  'total',
  { sliding: '1m' },
  { anchored: '5h' },
  { calendar: 'week' },
  { calendar: 'day', timezone: 'Asia/Kolkata' },
  { cycle: 'month', from: '2026-01-31' },
]

type Json = Record<string, unknown>

let stage: Stage
let document: { openapi: string; paths: Record<string, Record<string, Json>>; components: { schemas: Json } }
beforeAll(async () => {
  stage = await openStage()
  const answer = await fetch(`${stage.url}/admin/v1/openapi.json`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  document = (await answer.json()) as typeof document
})
afterAll(() => stage.close())

describe('the OpenAPI document', () => {
  it('describes every path with each of its methods', () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method} ${path}`),
    )
    expect(document.openapi).toBe('3.1.0')
    expect(described.sort()).toEqual([
      'delete /admin/v1/keys/{name}',
      'delete /admin/v1/limits/{id}',
      'delete /admin/v1/plans/{name}',
      'delete /admin/v1/plans/{name}/grants/{id}',
      'get /admin/v1/audit',
      'get /admin/v1/fleet',
      'get /admin/v1/keys',
      'get /admin/v1/limit-states',
      'get /admin/v1/limits',
      'get /admin/v1/limits/{id}',
      'get /admin/v1/models',
      'get /admin/v1/plans',
      'get /admin/v1/plans/{name}',
      'get /admin/v1/plans/{name}/grants',
      'get /admin/v1/receipts',
      'get /admin/v1/receipts/{id}',
      'get /admin/v1/upstreams',
      'get /admin/v1/usage',
      'patch /admin/v1/limits/{id}',
      'patch /admin/v1/plans/{name}',
      'post /admin/v1/fleet/{upstream}/{replica}/drain',
      'post /admin/v1/fleet/{upstream}/{replica}/resume',
      'post /admin/v1/keys',
      'post /admin/v1/limits',
      'post /admin/v1/plans',
      'post /admin/v1/plans/{name}/grants',
    ])
  })

  it('says of every operation what it does, who may ask, and how its errors look', () => {
    for (const operation of Object.values(document.paths).flatMap(methods => Object.values(methods))) {
      expect(operation.summary).toMatch(/\.$/)
      expect(Object.keys(operation.responses as Json)).toContain('401')
    }
  })

  it('refers to nothing that is not there', () => {
    const text = JSON.stringify(document)
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(found => found[1]!)
    expect(references.length).toBeGreaterThan(8)
    for (const name of references) expect(document.components.schemas).toHaveProperty(name)
  })

  it('names the parameters of queries with their kinds', () => {
    const { parameters } = document.paths['/admin/v1/receipts']!.get! as { parameters: Json[] }
    expect(parameters.map(({ name }) => name)).toEqual(['since', 'until', 'outcome', 'cursor', 'limit'])
    expect(parameters.at(-1)!.schema).toMatchObject({ type: 'integer', maximum: 1_000, default: 100 })
    expect(parameters[0]!.schema).toMatchObject({ type: 'string', format: 'date-time' })
    for (const parameter of parameters) expect(parameter).toMatchObject({ in: 'query', required: false })
  })

  it('describes receipts as they are', () => {
    const [attempt] = recordOf(0).attempts
    const candidates = [{ deployment: 'mock/check-chat', score: 1.5, dollars: 15n }]
    const passedOver = [{ deployment: 'old/chat', why: 'its breaker is open' }]
    const chosen = { ...attempt!, replica: 1, route: { by: 'fastest', candidates, passedOver } } as const
    const sum = { expectedMs: 9, targetMs: null, harmDollars: 10n, moreDollars: -5n }
    const spill = { why: 'full', ...sum } as const
    const spilt = { ...attempt!, placement: { expectedCachedTokens: 7, spill } }
    const receipt = receiptOf(recordOf(0, { tier: 'batch', queueMs: 1.5, attempts: [attempt!, chosen, spilt] }))
    const read = receiptSchema.safeParse(receipt)
    expect(read.error?.issues ?? []).toEqual([])
    expect(read.data).toEqual(receipt)
    expect(receiptSchema.safeParse({ ...receipt, dollars: 0.0015 }).success).toBe(false)
    const routeless = { ...receipt.attempts[1], route: { by: 'fastest', passedOver } }
    expect(receiptSchema.safeParse({ ...receipt, attempts: [routeless] }).success).toBe(false)
  })

  it('tells of replica, route, placement and spill of an attempt, which not every one has', () => {
    const { Receipt } = document.components.schemas as Record<string, { properties: Json } & Json>
    const attempt = (Receipt!.properties.attempts as { items: { properties: Json; required: string[] } }).items
    const optional = ['replica', 'route', 'expectedCachedTokens', 'spill']
    expect(Object.keys(attempt.properties)).toEqual(expect.arrayContaining(optional))
    for (const name of optional) expect(attempt.required).not.toContain(name)
    expect(Object.keys(Receipt!.properties)).toEqual(expect.arrayContaining(['tier', 'queueMs']))
  })

  it('describes what makes and changes a limit, field by field, though no schema reads it', () => {
    const bodies = ['/admin/v1/limits', '/admin/v1/limits/{id}'].map(path => {
      const { post, patch } = document.paths[path]!
      return JSON.stringify((post ?? patch)!.requestBody)
    })
    expect(bodies[0]).toContain('#/components/schemas/NewLimit"')
    expect(bodies[1]).toContain('#/components/schemas/LimitChanges"')
    const { NewLimit, LimitChanges } = document.components.schemas as Record<string, { properties: Json } & Json>
    expect(Object.keys(NewLimit!.properties).sort()).toEqual(Object.keys(QUEUEING).sort())
    expect(NewLimit).toMatchObject({ required: ['scope', 'unit', 'amount'], additionalProperties: false })
    expect(LimitChanges!.required ?? []).toEqual([])
  })

  it('says that a state of concurrency has no window, and what a window is', () => {
    const { LimitState, LimitWindow } = document.components.schemas as Record<string, { properties: Json } & Json>
    expect(LimitState!.properties.window).toEqual({ anyOf: [...(LimitWindow!.anyOf as Json[]), { type: 'null' }] })
    expect(LimitWindow!.description).toContain('time zone')
  })

  it.each([
    ...['organisation', 'each:key', 'model:fast'].map(scope => ({ ...BUDGET, scope })),
    ...LIMIT_UNITS.map(unit => ({ ...BUDGET, unit, amount: unit === 'dollars' ? '1.5' : 2 })),
    ...WINDOWS.map(window => ({ ...BUDGET, window })),
    ...['stop', 'warn', { downgrade: 'fast' }].map(onReached => ({ ...BUDGET, onReached })),
    QUEUEING,
    { scope: 'key:ci', unit: 'concurrency', amount: 8 },
  ])('describes every limit that may be made, and as it is shown then: %j', form => {
    expect(newLimitSchema.safeParse(form).error?.issues ?? []).toEqual([])
    const limit: Limit = { ...termsOf(form), id: 'lim_0', createdAt: 0, readOnly: false }
    expect(limitSchema.strict().safeParse(shownLimit(limit)).error?.issues ?? []).toEqual([])
    expect(limitChangesSchema.safeParse(shownLimit(limit)).success).toBe(true)
  })

  it('describes no limit of an unknown window, unit or field', () => {
    const wrong = [{ window: { sliding: 5 } }, { window: { sliding: '1m', anchored: '1m' } }, { unit: 'bananas' }]
    for (const change of [...wrong, { colour: 'red' }, { onReached: 'explode' }, { amount: null }]) {
      expect(newLimitSchema.safeParse({ ...BUDGET, ...change }).success).toBe(false)
    }
  })
})
