import { describe, expect, it } from 'vitest'
import { sampleOf } from './json-sample.ts'

describe('a sample of a schema', () => {
  it.each([
    [
      { type: 'object', properties: { a: { type: 'string' }, b: { type: 'boolean' } }, required: ['a'] },
      { a: 'simulated', b: true },
    ],
    [{ type: 'array', items: { type: 'integer', minimum: 3 }, minItems: 2 }, [3, 3]],
    [{ type: ['null', 'number'], exclusiveMinimum: 2, multipleOf: 0.5 }, 2.5],
    [{ type: 'integer', maximum: -4 }, -4],
    [{ type: 'string', minLength: 12 }, 'simulatedsim'],
    [{ type: 'string', maxLength: 3 }, 'sim'],
    [{ type: 'string', format: 'email' }, 'simulated@example.com'],
    [{ anyOf: [{ const: 7 }, { type: 'string' }] }, 7],
    [
      { allOf: [{ type: 'object', properties: { a: { const: 1 } } }, { properties: { b: { const: 2 } } }] },
      { a: 1, b: 2 },
    ],
    [{ $ref: '#/$defs/Colour', $defs: { Colour: { enum: ['red', 'blue'] } } }, 'red'],
    [{}, 'simulated'],
    [{ type: 'null' }, null],
    ['nonsense', null],
  ])('%j gives %j', (schema, sample) => {
    expect(sampleOf(schema)).toEqual(sample)
  })

  it('of a schema that contains itself comes to an end', () => {
    const node = {
      type: 'object',
      properties: { next: { $ref: '#' }, value: { type: 'integer' } },
      required: ['value'],
    }
    expect(JSON.stringify(sampleOf(node)).length).toBeLessThan(1000)
  })

  it('of a schema that demands too much stays small', () => {
    const wide = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`p${i}`, { $ref: '#' }]))
    const deep = { type: 'array', minItems: 1e9, items: { $ref: '#' } }
    for (const schema of [{ type: 'object', properties: wide }, deep, { type: 'string', minLength: 1e9 }]) {
      expect(JSON.stringify(sampleOf(schema)).length).toBeLessThan(200_000)
    }
  })
})
