import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { limitsOfPlan, type Plan } from './plan.ts'
import { readPlan } from './plan-terms.ts'

const LIMIT = { scope: 'plan', unit: 'dollars', amount: '20', window: { calendar: 'month' } }
const TOKENS = { ...LIMIT, unit: 'tokens', amount: 9 }
const SEATS = { kind: 'business', count: 10, each: '19.00' }
const GRANT = { id: 'october', amount: '30', createdAt: '2026-10-01' }

function planOf(parts: Readonly<Record<string, unknown>>, name = 'pro'): Plan {
  const read = readPlan(name, { subscribers: ['team:search'], ...parts })
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return read.plan
}

function faultsOf(parts: Readonly<Record<string, unknown>>, name = 'pro'): readonly string[] {
  const read = readPlan(name, { subscribers: ['team:search'], ...parts })
  return 'faults' in read ? read.faults.map(({ path }) => path.join('.')) : []
}

/** The first limit that a plan with one is compiled into. */
function compiled(limit: Readonly<Record<string, unknown>>, part = 'limits') {
  return limitsOfPlan(planOf({ [part]: [limit] }))[0]!
}

describe('a plan', () => {
  it('is compiled into limits that know it, their part and its subscribers', () => {
    const plan = planOf({
      subscribers: ['team:search', 'tag:a=b'],
      limits: [LIMIT],
      included: [LIMIT],
      overflow: [LIMIT],
    })
    expect(limitsOfPlan(plan).map(({ membership, onReached, scope }) => [membership, onReached.kind, scope])).toEqual(
      (['limits', 'included', 'overflow'] as const).map(part => [
        { plan: 'pro', part, subscribers: ['team:search', 'tag:a=b'], except: [], models: null },
        part === 'included' ? 'overflow' : 'stop',
        { kind: 'plan', name: 'pro' },
      ]),
    )
  })

  it('stops where its allowance ends when it has no overflow', () => {
    expect(compiled(LIMIT, 'included').onReached).toEqual({ kind: 'stop' })
    expect(compiled({ ...LIMIT, onReached: { downgrade: 'small' } }, 'included').onReached.kind).toBe('downgrade')
  })

  it('gives its limits ids of what they count, whatever their amount, rates and grants', () => {
    const rates = { ...TOKENS, weights: { output: '8' } }
    const grants = { scope: 'plan', unit: 'dollars', grants: [GRANT] }
    expect(compiled({ ...LIMIT, amount: '7' }).id).toBe(compiled(LIMIT).id)
    expect(compiled({ ...LIMIT, amount: undefined, seats: [SEATS] }).id).toBe(compiled(LIMIT).id)
    expect(compiled({ ...rates, weights: { output: '4' } }).id).toBe(compiled(rates).id)
    expect(compiled({ ...grants, grants: [{ ...GRANT, id: 'other' }] }).id).toBe(compiled(grants).id)
    const others = [LIMIT, TOKENS, rates, grants, { ...LIMIT, models: ['a'] }, { ...LIMIT, scope: 'each:user' }]
    const ids = [...others.map(each => compiled(each).id), compiled(LIMIT, 'included').id]
    expect(new Set([...ids, limitsOfPlan(planOf({ limits: [LIMIT] }, 'max'))[0]!.id]).size).toBe(8)
  })

  it('has an amount of seats: 10 of 19 dollars and 5 of 39 are 385, and fewer count from the next period', () => {
    const seats = [SEATS, { kind: 'enterprise', count: 5, each: '39.00' }]
    expect(compiled({ ...LIMIT, amount: undefined, seats })).toMatchObject({ amount: 385e9, lowersNextPeriod: true })
    expect(compiled(LIMIT).lowersNextPeriod).toBeUndefined()
  })

  it('has an amount of grants, with times in UTC and what is usual for what is left out', () => {
    const grants = [
      GRANT,
      { ...GRANT, id: 'gift', priority: 0, kind: 'promotional', expiresAt: '2026-10-31T12:00:00+02:00' },
    ]
    const limit = compiled({ scope: 'each:user', unit: 'dollars', grants })
    const createdAt = Date.UTC(2026, 9, 1)
    expect(limit).toMatchObject({ amount: 60e9, window: { kind: 'total' } })
    expect(limit.grants).toEqual([
      { id: 'october', amount: 30e9, priority: 50, createdAt, expiresAt: null, kind: 'prepaid' },
      { id: 'gift', amount: 30e9, priority: 0, createdAt, expiresAt: Date.UTC(2026, 9, 31, 10), kind: 'promotional' },
    ])
  })

  it('has rates in thousandths, one where none is named', () => {
    const limit = compiled({
      ...TOKENS,
      weights: { cachedInput: '0.1', cacheWrite5m: '1.25', output: 8 },
      multipliers: { inferenceGeo: { us: '1.1' } },
    })
    expect(limit.burn).toEqual({
      weights: { input: 1_000, cachedInput: 100, cacheWrite5m: 1_250, cacheWrite1h: 1_000, output: 8_000 },
      multipliers: { inferenceGeo: { us: 1_100 } },
    })
    expect(compiled(TOKENS).burn).toBeUndefined()
  })

  const wrong: [string, Readonly<Record<string, unknown>>, readonly string[]][] = [
    ['no subscribers', { subscribers: undefined, limits: [LIMIT] }, ['subscribers']],
    ['an empty list of subscribers', { subscribers: [], limits: [LIMIT] }, ['subscribers']],
    [
      'subscribers that nobody can be',
      { subscribers: ['each:user', 'model:a', 7], limits: [LIMIT] },
      ['subscribers.0', 'subscribers.1', 'subscribers.2'],
    ],
    ['nothing in it', {}, ['']],
    ['an unknown part', { limits: [LIMIT], extras: [] }, ['extras']],
    ['an overflow of nothing', { overflow: [LIMIT] }, ['overflow']],
    ['an empty overflow', { included: [LIMIT], overflow: [] }, ['overflow']],
    ['a limit twice', { limits: [LIMIT, { ...LIMIT, amount: '9' }] }, ['limits.1']],
    [
      'limits outside of it',
      {
        limits: [
          { ...LIMIT, scope: 'organisation' },
          { ...LIMIT, scope: 'model:a' },
        ],
      },
      ['limits.0.scope', 'limits.1.scope'],
    ],
    ['the pool of another', { limits: [{ ...LIMIT, scope: 'plan:max' }] }, ['limits.0.scope']],
    [
      'an overflow outside of what is included',
      { limits: [{ ...LIMIT, onReached: 'overflow' }] },
      ['limits.0.onReached'],
    ],
    ['an overflow without any', { included: [{ ...LIMIT, onReached: 'overflow' }] }, ['included.0.onReached']],
    ['no amount', { limits: [{ ...LIMIT, amount: undefined }] }, ['limits.0']],
    ['two amounts', { limits: [{ ...LIMIT, seats: [SEATS] }] }, ['limits.0']],
    ['an unknown field', { limits: [{ ...LIMIT, colour: 1 }] }, ['limits.0.colour']],
    ['wrong exceptions', { limits: [{ ...LIMIT, except: ['each:user'] }] }, ['limits.0.except.0']],
    ['no model', { limits: [{ ...LIMIT, models: [] }] }, ['limits.0.models']],
    [
      'seats in total',
      { limits: [{ ...LIMIT, amount: undefined, window: 'total', seats: [SEATS] }] },
      ['limits.0.window'],
    ],
    [
      'seats of each',
      { limits: [{ ...LIMIT, amount: undefined, scope: 'each:user', seats: [SEATS] }] },
      ['limits.0.scope'],
    ],
    [
      'wrong seats',
      { limits: [{ ...LIMIT, amount: undefined, seats: [{ kind: '', count: 1.5, each: 19, x: 1 }, SEATS, SEATS, 7] }] },
      [
        'limits.0.seats.0.x',
        'limits.0.seats.0.kind',
        'limits.0.seats.0.count',
        'limits.0.seats.0.each',
        'limits.0.seats.2.kind',
        'limits.0.seats.3',
      ],
    ],
    [
      'too much in seats',
      { limits: [{ ...LIMIT, amount: undefined, seats: [{ kind: 'a', count: 1_000_000, each: '9000000' }] }] },
      ['limits.0.seats'],
    ],
    ['grants with a window', { limits: [{ ...LIMIT, amount: undefined, grants: [GRANT] }] }, ['limits.0.window']],
    ['grants of runs', { limits: [{ scope: 'each:run', unit: 'dollars', grants: [GRANT] }] }, ['limits.0.grants']],
    [
      'grants of calls at once',
      { limits: [{ scope: 'plan', unit: 'concurrency', grants: [{ ...GRANT, amount: 7 }] }] },
      ['limits.0.grants'],
    ],
    [
      'wrong grants',
      {
        limits: [
          {
            scope: 'plan',
            unit: 'dollars',
            grants: [
              { id: 'a b', amount: 7, priority: 101, createdAt: '2026-02-30', expiresAt: 'soon', kind: 'free', x: 1 },
              GRANT,
              GRANT,
              7,
            ],
          },
        ],
      },
      ['x', 'id', 'amount', 'priority', 'createdAt', 'expiresAt', 'kind']
        .map(field => `limits.0.grants.0.${field}`)
        .concat('limits.0.grants.2.id', 'limits.0.grants.3'),
    ],
    [
      'a grant that expires before it begins',
      { limits: [{ scope: 'plan', unit: 'dollars', grants: [{ ...GRANT, expiresAt: '2026-10-01' }] }] },
      ['limits.0.grants.0.expiresAt'],
    ],
    ['rates of dollars', { limits: [{ ...LIMIT, weights: { output: '8' } }] }, ['limits.0.weights']],
    [
      'wrong rates',
      {
        limits: [
          {
            ...TOKENS,
            weights: { output: '1.2345', thinking: '1', input: 0.1 },
            multipliers: { geo: { us: '-1' }, tier: 7 },
          },
        ],
      },
      ['weights.thinking', 'weights.input', 'weights.output', 'multipliers.geo.us', 'multipliers.tier'].map(
        field => `limits.0.${field}`,
      ),
    ],
  ]
  it.each(wrong)('with %s is told so, where it stands', (_, parts, paths) => expect(faultsOf(parts)).toEqual(paths))

  it('is told all its faults at once, each with a sentence', () => {
    const read = readPlan('no name', {
      subscribers: ['nobody'],
      limits: [7, { ...LIMIT, unit: 'euros', window: 'ever' }],
    })
    expect('faults' in read && read.faults.map(({ path, sentence }) => [path.join('.'), sentence.length > 9])).toEqual(
      ['', 'subscribers.0', 'limits.0', 'limits.1.unit', 'limits.1.window'].map(path => [path, true]),
    )
  })

  it('of any shape is read or told its faults, and never breaks the reader', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.string(), (value, limit, name) => {
        for (const each of [
          value,
          { subscribers: ['organisation'], limits: [limit], included: [{ ...LIMIT, seats: limit, grants: value }] },
        ]) {
          const read = readPlan(name, each)
          expect('plan' in read || read.faults.length > 0).toBe(true)
        }
      }),
    )
  })
})
