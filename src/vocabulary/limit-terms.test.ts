import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { declaredLimitId, scopeText, showQuantity } from './limit.ts'
import {
  parseAmount,
  parseOnReached,
  parseScope,
  parseUnit,
  parseWindow,
  readLimitTerms,
  writeLimitTerms,
} from './limit-terms.ts'

const GOOD = { scope: 'key:ci', unit: 'requests', amount: 60, window: { sliding: '1m' } }

function termsOf(value: unknown) {
  const read = readLimitTerms(value)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return read.terms
}

describe('a scope', () => {
  it.each([
    'organisation',
    'team:search and rescue',
    'user:ana@example.com',
    'key:ci',
    'tag:project=atlas=2',
    'run:ID 7',
    'model:meta/llama-3.1:8b',
    'upstream:openai',
    'each:team',
    'each:user',
    'each:key',
    'each:run',
  ])('%s is read and written back the same', text => {
    const read = parseScope(text)
    expect('value' in read && scopeText(read.value)).toBe(text)
  })

  it.each([
    'galaxy',
    '',
    'team:',
    'team',
    'key:a b',
    'tag:project',
    'tag:=atlas',
    'tag:a b=c',
    'tag:project=',
    'each:model',
    'each:',
    'run:a\nb',
    'toString:x',
    'call',
    7,
    null,
    undefined,
  ])('%j is none, and the fault says what was expected', value => {
    const read = parseScope(value)
    expect('fault' in read && read.fault).toMatch(/^expected /)
  })
})

describe('an amount', () => {
  it.each([
    ['0.10', 'dollars', 100_000_000],
    ['0.099999999', 'dollars', 99_999_999],
    ['9000000', 'dollars', 9_000_000_000_000_000],
    ['0', 'dollars', 0],
    [60, 'requests', 60],
    [0, 'concurrency', 0],
  ] as const)('%j of %s is read exactly', (value, unit, amount) => {
    expect(parseAmount(value, unit)).toEqual({ value: amount })
  })

  it.each([
    [0.1, 'dollars'],
    [5, 'dollars'],
    ['-1', 'dollars'],
    ['9000000.000000001', 'dollars'],
    ['0.0000000001', 'dollars'],
    ['60', 'requests'],
    [-3, 'tokens'],
    [1.5, 'tokens'],
    [2 ** 53, 'tokens'],
    [Number.NaN, 'tokens'],
    [null, 'tokens'],
    [-3, null],
  ] as const)('%j of %s is none', (value, unit) => expect(parseAmount(value, unit)).toHaveProperty('fault'))

  it('comes back from dollars as it went in', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9_000_000_000_000_000 }), quantity => {
        expect(parseAmount(showQuantity('dollars', quantity), 'dollars')).toEqual({ value: quantity })
      }),
    )
  })
})

describe('a window', () => {
  it.each([
    ['total', { kind: 'total', form: 'total' }],
    [{ sliding: '1m' }, { kind: 'sliding', lengthMs: 60_000, form: { sliding: '1m' } }],
    [{ anchored: '5h' }, { kind: 'anchored', lengthMs: 18_000_000, form: { anchored: '5h' } }],
    [{ calendar: 'week' }, { kind: 'calendar', period: 'week', timezone: 'UTC', form: { calendar: 'week' } }],
    [
      { calendar: 'day', timezone: 'Asia/Kolkata' },
      {
        kind: 'calendar',
        period: 'day',
        timezone: 'Asia/Kolkata',
        form: { calendar: 'day', timezone: 'Asia/Kolkata' },
      },
    ],
    [
      { cycle: 'month', from: '2024-02-29' },
      { kind: 'cycle', from: Date.UTC(2024, 1, 29), form: { cycle: 'month', from: '2024-02-29' } },
    ],
  ])('%j is read', (value, window) => expect(parseWindow(value, 'requests')).toEqual({ value: window }))

  it.each([
    undefined,
    'day',
    [],
    {},
    { sliding: 'soon' },
    { sliding: 60 },
    { sliding: '1ms' },
    { sliding: '9999d' },
    { sliding: '1m', anchored: '1m' },
    { calendar: 'year' },
    { calendar: 'day', timezone: 'Mars/Olympus' },
    { calendar: 'day', zone: 'UTC' },
    { cycle: 'month' },
    { cycle: 'week', from: '2026-01-15' },
    { cycle: 'month', from: '2026-02-30' },
    { cycle: 'month', from: '15.1.2026' },
  ])('%j is none', value => expect(parseWindow(value, 'requests')).toHaveProperty('fault'))

  it('is none for concurrency, which counts what runs now', () => {
    expect(parseWindow(undefined, 'concurrency')).toEqual({ value: { kind: 'total', form: null } })
    expect(parseWindow({ sliding: '1m' }, 'concurrency')).toHaveProperty('fault')
  })
})

describe('what happens when it is reached', () => {
  it.each([
    [undefined, undefined, { kind: 'stop' }],
    ['stop', undefined, { kind: 'stop' }],
    ['warn', undefined, { kind: 'warn' }],
    ['queue', '30s', { kind: 'queue', waitMs: 30_000 }],
    [{ downgrade: 'small' }, undefined, { kind: 'downgrade', model: 'small' }],
  ])('%j with wait %j is read', (value, wait, read) => expect(parseOnReached(value, wait)).toEqual({ value: read }))

  it.each([
    ['explode', undefined],
    ['queue', undefined],
    ['queue', 'long'],
    ['queue', '2d'],
    ['stop', '30s'],
    [{ downgrade: '' }, undefined],
    [{ downgrade: 'small', upgrade: 'big' }, undefined],
  ])('%j with wait %j is not', (value, wait) => expect(parseOnReached(value, wait)).toHaveProperty('fault'))
})

describe('a limit', () => {
  it('tells all its faults at once, each with its field', () => {
    const wrong = {
      scope: 'galaxy',
      unit: 'bananas',
      amount: -3,
      window: { sliding: 'soon' },
      onReached: 'explode',
      colour: 'red',
    }
    const read = readLimitTerms(wrong)
    expect('faults' in read && read.faults.map(fault => fault.field)).toEqual(Object.keys(wrong))
  })

  it.each([
    [{ onReached: 'queue' }, 'wait'],
    [{ onReached: 'queue', wait: 'long' }, 'wait'],
    [{ onReached: 'warn', wait: '30s' }, 'wait'],
    [{ wait: '30s' }, 'wait'],
    [{ onReached: 'explode', wait: '30s' }, 'onReached'],
  ])('with %j tells which of the two is wrong', (over, field) => {
    const read = readLimitTerms({ ...GOOD, ...over })
    expect('faults' in read && read.faults.map(fault => fault.field)).toEqual([field])
  })

  it('is no list, number or text', () => {
    for (const value of [[], 7, 'key:ci', null]) expect(readLimitTerms(value)).toHaveProperty('faults')
  })

  it('keeps its id when its amount or what happens then changes, and not when scope, unit or window do', () => {
    const id = declaredLimitId(termsOf(GOOD))
    expect(id).toMatch(/^lim_[0-9a-hjkmnp-tv-z]{13}$/)
    expect(declaredLimitId(termsOf({ ...GOOD, amount: 90, onReached: 'warn' }))).toBe(id)
    expect(declaredLimitId(termsOf({ ...GOOD, window: { sliding: '60s' } }))).toBe(id)
    const others = [{ scope: 'key:cd' }, { unit: 'tokens' }, { window: 'total' }, { window: { anchored: '1m' } }]
    const ids = others.map(other => declaredLimitId(termsOf({ ...GOOD, ...other })))
    expect(new Set([id, ...ids]).size).toBe(5)
  })

  it.each([
    { scope: 'organisation', unit: 'dollars', amount: '0.099999999', window: 'total', onReached: 'stop' },
    { scope: 'tag:project=a=b', unit: 'tokens', amount: 9, window: { sliding: '90s' }, onReached: 'warn' },
    { scope: 'each:key', unit: 'concurrency', amount: 8, onReached: 'queue', wait: '1500ms' },
    {
      scope: 'model:fast',
      unit: 'requests',
      amount: 0,
      window: { calendar: 'week', timezone: 'Asia/Kolkata' },
      onReached: { downgrade: 'small' },
    },
    {
      scope: 'run:a b',
      unit: 'outputTokens',
      amount: 7,
      window: { cycle: 'month', from: '2026-01-31' },
      onReached: 'stop',
    },
  ])('is written as it was read: %j', form => expect(writeLimitTerms(termsOf(form))).toEqual(form))

  it('that left words out is written with them, and read as the same', () => {
    const terms = termsOf({ ...GOOD, onReached: 'queue', wait: '60000ms' })
    expect(writeLimitTerms(terms)).toEqual({ ...GOOD, onReached: 'queue', wait: '1m' })
    expect(termsOf(writeLimitTerms(terms))).toEqual(terms)
    expect(writeLimitTerms(termsOf(GOOD))).toEqual({ ...GOOD, onReached: 'stop' })
  })

  it('of an unknown unit is told so', () => expect(parseUnit('bananas')).toHaveProperty('fault'))
})

describe('an amount that is a share of the budget of runs', () => {
  const share = {
    scope: 'each:run',
    unit: 'dollars',
    amount: '80%',
    window: 'total',
    onReached: { downgrade: 'small' },
  }

  it('is read and written back, and is another limit than one of an amount', () => {
    const terms = termsOf(share)
    expect(terms.percentOfBudget).toBe(80)
    expect(writeLimitTerms(terms)).toEqual(share)
    expect(declaredLimitId(terms)).toBe(declaredLimitId(termsOf({ ...share, amount: '20%' })))
    expect(declaredLimitId(terms)).not.toBe(declaredLimitId(termsOf({ ...share, amount: '5' })))
  })

  it.each([
    { scope: 'each:key' },
    { unit: 'tokens' },
    { window: { sliding: '1h' } },
    { amount: '0%' },
    { amount: '100%' },
    { amount: '8.5%' },
  ])('is none with %j', change => {
    const read = readLimitTerms({ ...share, ...change })
    expect('faults' in read && read.faults.map(fault => fault.field)).toEqual(['amount'])
  })
})
