import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { receiptSchema } from './receipt-schema.ts'
import { ADMIN_TOKEN, openStage, plainReceipt, recordOf, type Stage } from './stage.fixture.ts'

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
      'get /admin/v1/keys',
      'get /admin/v1/models',
      'get /admin/v1/receipts',
      'get /admin/v1/receipts/{id}',
      'get /admin/v1/upstreams',
      'get /admin/v1/usage',
      'post /admin/v1/keys',
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
    expect(receiptSchema.safeParse(plainReceipt(recordOf(0))).error?.issues ?? []).toEqual([])
    expect(receiptSchema.safeParse({ ...(plainReceipt(recordOf(0)) as Json), dollars: 0.0015 }).success).toBe(false)
  })
})
