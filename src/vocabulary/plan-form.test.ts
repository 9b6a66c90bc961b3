import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { type Plan, planLimitId } from './plan.ts'
import { writePlan } from './plan-form.ts'
import { readPlan } from './plan-terms.ts'

const FOLDER = new URL('../../examples/plans/', import.meta.url)

function read(name: string, value: unknown): Plan {
  const answer = readPlan(name, value)
  if ('faults' in answer) throw new Error(JSON.stringify(answer.faults))
  return answer.plan
}

const EXAMPLES = readdirSync(FOLDER).flatMap(file => {
  const { plans } = parse(readFileSync(new URL(file, FOLDER), 'utf8')) as { plans: Record<string, unknown> }
  return Object.entries(plans)
})

const LIMIT = { scope: 'plan', unit: 'tokens', amount: 9, window: { sliding: '90s' } }
const CASES: readonly (readonly [string, unknown])[] = [
  ...EXAMPLES,
  ['a wait', { subscribers: ['key:ci'], limits: [{ ...LIMIT, onReached: 'queue', wait: '1500ms' }] }],
  ['calls at once', { subscribers: ['tag:a=b'], limits: [{ scope: 'each:key', unit: 'concurrency', amount: 2 }] }],
  ['a cheaper model', { subscribers: ['team:a b'], included: [{ ...LIMIT, onReached: { downgrade: 'small' } }] }],
  ['plain rates', { subscribers: ['key:ci'], limits: [{ ...LIMIT, weights: {} }] }],
  [
    'rates with decimals',
    {
      subscribers: ['key:ci'],
      limits: [{ ...LIMIT, weights: { input: '0', output: '8.005' }, multipliers: { speed: { fast: '0.5' } } }],
    },
  ],
  [
    'credits that begin and end at a moment',
    {
      subscribers: ['key:ci'],
      limits: [
        {
          scope: 'each:user',
          unit: 'requests',
          grants: [{ id: 'g', amount: 7, createdAt: '2026-10-01T01:02:03.004+02:00', expiresAt: '2027-01-01' }],
        },
      ],
    },
  ],
]

describe('a plan that is written', () => {
  it.each(CASES)('is read as the same: %s', (name, value) => {
    const plan = read(name.replaceAll(' ', '-'), value)
    const written: unknown = JSON.parse(JSON.stringify(writePlan(plan)))
    expect(read(plan.name, written)).toEqual(plan)
    const ids = (of: Plan) => of.limits.map(limit => planLimitId(of.name, 'limits', limit))
    expect(ids(read(plan.name, written))).toEqual(ids(plan))
  })

  it('says nothing that need not be said', () => {
    const form = {
      subscribers: ['key:ci'],
      limits: [{ ...LIMIT, onReached: 'stop', except: ['key:a'], models: ['m'] }],
    }
    expect(writePlan(read('pro', form))).toEqual(form)
  })
})
