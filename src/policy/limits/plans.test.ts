import { describe, expect, it } from 'vitest'
import { readLimitTerms } from '../../vocabulary/limit-terms.ts'
import type { LimitedCall } from '../../vocabulary/limited-call.ts'
import { admitted, amounts, atMost, callOf, crowd, limitOf, refused, START } from './limits.fixture.ts'
import { bookOfPlans, byPart, putPlans } from './plans.fixture.ts'
import { refusalSentence } from './refusal.ts'

const CENT = 10_000_000
const HOUR = 3_600_000
const ANA = callOf({ team: 'search', user: 'ana' })
const BEN = callOf({ team: 'search', user: 'ben', key: 'cd' })
const EVE = callOf({ team: 'ads', user: 'eve', key: 'ad' })

function onlySubscriber(subscriber: string) {
  return { p: { subscribers: [subscriber], limits: [{ scope: 'plan', unit: 'requests', amount: 3, window: 'total' }] } }
}

describe('a plan', () => {
  const subscribers: [string, Partial<LimitedCall>, Partial<LimitedCall>][] = [
    ['organisation', ANA, ANA],
    ['team:search', ANA, EVE],
    ['user:ana', ANA, BEN],
    ['key:ci', ANA, BEN],
    ['tag:project=atlas', callOf({ tags: { project: 'atlas' } }), callOf({ tags: { project: 'zeus' } })],
  ]
  it.each(subscribers)('of %s binds its subscribers and nobody else', (subscriber, within, without) => {
    const book = bookOfPlans(onlySubscriber(subscriber))
    expect(crowd(book, 9, within as LimitedCall, START).length).toBe(3)
    expect(crowd(book, 9, without as LimitedCall, START).length).toBe(subscriber === 'organisation' ? 0 : 9)
  })

  const scopes: [string, LimitedCall, LimitedCall, number][] = [
    ['plan', ANA, BEN, 0],
    ['each:user', ANA, BEN, 3],
    ['each:user', ANA, callOf({ team: 'search', user: 'ana', key: 'second' }), 0],
    ['each:team', ANA, BEN, 0],
    ['each:key', ANA, BEN, 3],
    ['user:ana', ANA, BEN, 9],
    ['each:run', callOf({ team: 'search', run: 'a' }), callOf({ team: 'search', run: 'b' }), 3],
    ['run:a', callOf({ team: 'search', run: 'a' }), callOf({ team: 'search', run: 'b' }), 9],
  ]
  it.each(scopes)('has limits on %s inside of it', (scope, first, second, left) => {
    const limits = [{ scope, unit: 'requests', amount: 3, window: 'total' }]
    const book = bookOfPlans({ p: { subscribers: ['team:search'], limits } })
    expect(crowd(book, 9, first, START).length).toBe(3)
    expect(crowd(book, 9, second, START).length).toBe(left)
    const stranger = { ...first, caller: { ...first.caller, team: 'ads' } }
    expect(crowd(book, 9, stranger, START).length).toBe(9)
  })

  it('binds only calls of the models that a limit names', () => {
    const limits = [{ scope: 'plan', unit: 'requests', amount: 2, window: 'total', models: ['big'] }]
    const book = bookOfPlans({ p: { subscribers: ['team:search'], limits } })
    expect(crowd(book, 9, ANA, START).length).toBe(9)
    expect(crowd(book, 9, { ...ANA, model: 'big' }, START).length).toBe(2)
  })

  it('leaves those to other limits that a limit excepts, and shows it to nobody whom it does not bind', () => {
    const each = { scope: 'each:user', unit: 'requests', window: 'total' }
    const limits = [
      { ...each, amount: 2, except: ['user:ana'] },
      { ...each, scope: 'user:ana', amount: 5 },
    ]
    const book = bookOfPlans({ p: { subscribers: ['organisation'], limits } })
    expect([ANA, BEN].map(call => crowd(book, 9, call, START).length)).toEqual([5, 2])
    expect(book.view(ANA.caller, START).map(({ amount }) => amount)).toEqual([5])
  })

  it('stands beside other plans and limits of its subscribers: all of them bind', () => {
    const of = (amount: number) => [{ scope: 'plan', unit: 'requests', amount, window: 'total' }]
    const book = bookOfPlans({
      wide: { subscribers: ['team:search'], limits: of(9) },
      narrow: { subscribers: ['user:ana'], limits: of(4) },
    })
    book.put(limitOf({ scope: 'key:ci', unit: 'requests', amount: 7 }), START)
    expect(crowd(book, 20, ANA, START).length).toBe(4)
    expect(crowd(book, 20, BEN, START).length).toBe(5)
  })

  it('shows its pool by its name and its members by theirs, and names itself in refusals', () => {
    const limit = { unit: 'requests', amount: 1, window: 'total' }
    const plan = {
      subscribers: ['team:search'],
      limits: [limit, limit].map((each, i) => ({ ...each, scope: ['plan', 'each:user'][i] })),
    }
    const book = bookOfPlans({ 'claude-max': plan })
    expect(book.view(ANA.caller, START).map(({ scope, plan: name }) => [scope, name])).toEqual([
      ['plan:claude-max', 'claude-max'],
      ['user:ana', 'claude-max'],
    ])
    crowd(book, 1, ANA, START)
    const refusal = refused(book, BEN, START)
    expect(refusal).toMatchObject({ scope: 'plan:claude-max', plan: 'claude-max' })
    expect(refusalSentence(refusal)).toContain('of plan:claude-max is reached')
  })

  it('is no scope outside of plans', () => {
    for (const scope of ['plan', 'plan:p']) {
      expect(readLimitTerms({ scope, unit: 'requests', amount: 1, window: 'total' })).toHaveProperty('faults')
    }
  })
})

const CURSOR = {
  subscribers: ['team:search'],
  included: [{ scope: 'each:user', unit: 'dollars', amount: '0.20', window: { anchored: '5h' } }],
  overflow: [{ scope: 'each:user', unit: 'dollars', amount: '0.50', window: { calendar: 'month' } }],
}

describe('an allowance', () => {
  it('is used first; then calls go to the overflow, which is bound by its own cap and says so', () => {
    const book = bookOfPlans({ p: CURSOR })
    const holds = crowd(book, 200, ANA, START)
    expect(holds.map(hold => hold.overflow.length)).toEqual([...Array(20).fill(0), ...Array(50).fill(1)])
    expect(holds.at(-1)!.overflow).toEqual(['p'])
    for (const hold of holds) book.post(hold, amounts(), START)
    expect(byPart(book, ANA, START)).toMatchObject({
      'user:ana included': { used: 20 * CENT, held: 0, left: 0 },
      'user:ana overflow': { used: 50 * CENT, held: 0, left: 0 },
    })
    expect(byPart(book, BEN, START)['user:ben included']).toMatchObject({ used: 0 })
  })

  it('that has room again is used again', () => {
    const book = bookOfPlans({ p: CURSOR })
    for (const hold of crowd(book, 30, ANA, START)) book.post(hold, amounts(), START)
    const later = START + 5 * HOUR
    expect(crowd(book, 200, ANA, later).map(hold => hold.overflow.length)).toEqual([
      ...Array(20).fill(0),
      ...Array(40).fill(1),
    ])
  })

  it('smaller than a call is left to smaller calls: less than one call is left unused, and none is split', () => {
    const book = bookOfPlans({ p: CURSOR })
    const large = admitted(book.decide(ANA, atMost(amounts(15)), START))
    const second = admitted(book.decide(ANA, atMost(amounts(15)), START))
    expect([large.overflow, second.overflow]).toEqual([[], ['p']])
    const small = admitted(book.decide(ANA, atMost(amounts(5)), START))
    expect(small.overflow).toEqual([])
  })

  it('gives back what calls on the overflow do not use, and nothing of the allowance', () => {
    const book = bookOfPlans({ p: CURSOR })
    const holds = crowd(book, 21, ANA, START)
    book.void(holds.at(-1)!, START)
    expect(byPart(book, ANA, START)).toMatchObject({
      'user:ana included': { held: 20 * CENT },
      'user:ana overflow': { used: 0, held: 0 },
    })
  })

  it('without overflow stops', () => {
    const { overflow: _, ...plan } = CURSOR
    const book = bookOfPlans({ p: plan })
    expect(crowd(book, 200, ANA, START).length).toBe(20)
  })

  it('names in a refusal the limit whose room comes back first', () => {
    const book = bookOfPlans({ p: CURSOR })
    for (const hold of crowd(book, 200, ANA, START)) book.post(hold, amounts(), START)
    expect(refused(book, ANA, START)).toMatchObject({ part: 'included', resetsAt: START + 5 * HOUR })
    const tight = bookOfPlans({
      p: { ...CURSOR, limits: [{ scope: 'plan', unit: 'requests', amount: 0, window: 'total' }] },
    })
    expect(refused(tight, ANA, START)).toMatchObject({ scope: 'plan:p', part: 'limits' })
  })

  it('may send calls to another model instead, which then has its own room', () => {
    const book = bookOfPlans({
      p: {
        subscribers: ['team:search'],
        included: [
          {
            scope: 'plan',
            unit: 'requests',
            amount: 1,
            window: 'total',
            models: ['fast'],
            onReached: { downgrade: 'small' },
          },
        ],
      },
    })
    expect(crowd(book, 1, ANA, START).length).toBe(1)
    const decision = book.decide(ANA, atMost(amounts()), START)
    expect(decision).toMatchObject({ kind: 'downgrade', model: 'small' })
  })

  it('lets calls wait for their overflow, and finds the allowance again when they are woken', () => {
    const overflow = [{ scope: 'each:user', unit: 'concurrency', amount: 1, onReached: 'queue', wait: '30s' }]
    const book = bookOfPlans({ p: { ...CURSOR, overflow } })
    const holds = crowd(book, 21, ANA, START)
    const queued = book.decide(ANA, atMost(amounts()), START)
    expect(queued).toMatchObject({ kind: 'queue', limit: { part: 'overflow' } })
    book.void(holds[0]!, START)
    const [woken] = book.wake(START)
    expect(woken!.decision).toMatchObject({ kind: 'admit', overflow: [] })
  })

  it('adds to a call that runs from the overflow where nothing else has room, and counts each part where it was held', () => {
    const book = bookOfPlans({ p: CURSOR })
    const hold = admitted(book.decide(ANA, atMost(amounts(15)), START))
    expect(book.extend(hold, amounts(5, 0, 100), START)).toBe(true)
    expect(book.extend(hold, amounts(10, 0, 100), START)).toBe(true)
    expect(book.extend(hold, amounts(50, 0, 100), START)).toBe(false)
    expect(byPart(book, ANA, START)).toMatchObject({
      'user:ana included': { held: 20 * CENT },
      'user:ana overflow': { held: 10 * CENT },
    })
    book.post(hold, amounts(23), START)
    expect(byPart(book, ANA, START)).toMatchObject({
      'user:ana included': { used: 20 * CENT, held: 0 },
      'user:ana overflow': { used: 3 * CENT, held: 0 },
    })
  })

  it('never goes to the overflow for want of a price', () => {
    const book = bookOfPlans({
      p: { ...CURSOR, overflow: [{ scope: 'plan', unit: 'requests', amount: 9, window: 'total' }] },
    })
    expect(refused(book, ANA, START, { ...amounts(), dollars: null })).toMatchObject({
      cause: 'price',
      part: 'included',
    })
  })

  it('of two plans each goes its own way', () => {
    const other = { ...CURSOR, included: [{ ...CURSOR.included[0]!, amount: '0.30' }] }
    const book = bookOfPlans({ p: CURSOR, q: other })
    expect(crowd(book, 200, ANA, START).map(hold => hold.overflow.join())).toEqual([
      ...Array(20).fill(''),
      ...Array(10).fill('p'),
      ...Array(40).fill('p,q'),
    ])
  })

  it('changes its amount and its subscribers, keeping its use', () => {
    const book = bookOfPlans({ p: CURSOR })
    crowd(book, 20, ANA, START)
    putPlans(book, {
      p: { ...CURSOR, subscribers: ['user:ana', 'user:eve'], included: [{ ...CURSOR.included[0]!, amount: '0.25' }] },
    })
    expect(crowd(book, 99, ANA, START).filter(hold => hold.overflow.length === 0).length).toBe(5)
    expect(crowd(book, 99, EVE, START).filter(hold => hold.overflow.length === 0).length).toBe(25)
    expect(crowd(book, 99, BEN, START).length).toBe(99)
  })
})
