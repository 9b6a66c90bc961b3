import { describe, expect, it } from 'vitest'
import {
  admitted,
  amounts,
  atMost,
  bookOf,
  callerOf,
  callOf,
  crowd,
  limitOf,
  only,
  refused,
  START,
} from './limits.fixture.ts'
import { refusalSentence } from './refusal.ts'

const CENT = 10_000_000
const SECOND = 1_000
const HOUR = 3_600_000
const DAY = 86_400_000

describe('a limit that does not stop', () => {
  it('warns and counts on', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'requests', amount: 2, onReached: 'warn' })
    const warned = Array.from({ length: 4 }, () => book.decide(callOf(), atMost(amounts()), START))
    expect(warned.map(decision => decision.kind === 'admit' && decision.warnings.length)).toEqual([0, 0, 1, 1])
    expect(only(book.view(callerOf(), START))).toMatchObject({ held: 4, left: 0 })
  })

  it('sends calls to another model, skips itself there and counts nothing of them', () => {
    const book = bookOf(
      { scope: 'key:ci', unit: 'requests', amount: 1, onReached: { downgrade: 'small' } },
      { scope: 'model:small', unit: 'requests', amount: 1, onReached: { downgrade: 'tiny' } },
      { scope: 'model:tiny', unit: 'requests', amount: 1 },
    )
    const outcomes = Array.from({ length: 4 }, () => {
      let call = callOf()
      let decision = book.decide(call, atMost(amounts()), START)
      while (decision.kind === 'downgrade') {
        call = { ...call, model: decision.model, skip: decision.skip }
        decision = book.decide(call, atMost(amounts()), START)
      }
      return [call.model, decision.kind === 'refuse' ? decision.scope : decision.kind]
    })
    expect(outcomes).toEqual([
      ['fast', 'admit'],
      ['small', 'admit'],
      ['tiny', 'admit'],
      ['tiny', 'model:tiny'],
    ])
    expect(only(book.view(callerOf(), START))).toMatchObject({ held: 1, left: 0 })
  })
})

describe('a run', () => {
  const inRun = (run: string, budget: bigint | null, team: string | null = null) =>
    callOf({ run, team }, { runBudget: budget })

  it('has the budget that the first call named, even if it was refused, and no other', () => {
    const book = bookOf()
    expect(refused(book, inRun('r', 5_000_000n), START)).toMatchObject({
      scope: 'run:r',
      unit: 'dollars',
      amount: 5_000_000,
      limit: null,
      exceedsWhole: true,
    })
    expect(refused(book, inRun('r', 90_000_000n), START).amount).toBe(5_000_000)
    expect(refused(book, inRun('r', null), START).amount).toBe(5_000_000)
    expect(crowd(book, 9, inRun('s', 50_000_000n), START).length).toBe(5)
    expect(crowd(book, 9, inRun('t', null), START).length).toBe(9)
    expect(book.view(callerOf({ run: 's' }), START)).toMatchObject([
      { scope: 'run:s', amount: 5 * CENT, held: 5 * CENT },
    ])
  })

  it("is its team's: the same name elsewhere is another run", () => {
    const book = bookOf()
    expect(crowd(book, 9, inRun('r', 20_000_000n, 'red'), START).length).toBe(2)
    expect(
      crowd(book, 9, { ...inRun('r', null, 'red'), caller: callerOf({ key: 'cd', team: 'red', run: 'r' }) }, START)
        .length,
    ).toBe(0)
    expect(crowd(book, 9, inRun('r', 20_000_000n, 'blue'), START).length).toBe(2)
    expect(crowd(book, 9, inRun('r', 20_000_000n), START).length).toBe(2)
  })

  it('at rest takes little memory, is known when it comes back, and is forgotten after days', () => {
    const book = bookOf({ scope: 'each:run', unit: 'requests', amount: 2 })
    const use = (run: string, at: number) =>
      book.post(admitted(book.decide(inRun(run, 90_000_000n), atMost(amounts()), at)), amounts(), at)
    for (let i = 0; i < 1_000; i++) use(`run-${i}`, START)
    for (let i = 0; i < 1_000; i++) use(`other-${i}`, START + HOUR)
    expect(book.size).toMatchObject({ members: 2_000, resting: 2_000 })
    expect(book.view(callerOf({ run: 'run-7' }), START + HOUR)).toMatchObject([
      { used: 1, left: 1 },
      { used: CENT, amount: 9 * CENT },
    ])
    use('run-7', START + HOUR)
    expect(refused(book, inRun('run-7', null), START + HOUR).scope).toBe('run:run-7')
    for (let day = 1; day <= 4; day++) {
      for (let i = 0; i < 500; i++) use(`day-${day}-${i}`, START + day * DAY)
      book.sweep(START + day * DAY + HOUR, 10_000)
    }
    expect(book.size.resting).toBeLessThan(4_000)
    use('run-7', START + 5 * DAY)
  })
})

describe('the cap of a call', () => {
  it('refuses what might cost more, before anything is held', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'dollars', amount: '1' })
    const capped = (maxDollars: bigint) => callOf({}, { maxDollars })
    const refusal = refused(book, capped(9_999_999n), START)
    expect(refusal).toMatchObject({
      scope: 'call',
      unit: 'dollars',
      cause: 'quota',
      amount: 9_999_999,
      used: 0,
      held: 0,
      shouldRetry: false,
    })
    expect(refusalSentence(refusal)).toBe(
      'this call may cost up to 0.01 dollars, more than its maximum of 0.009999999 dollars',
    )
    expect(only(book.view(callerOf(), START)).held).toBe(0)
    admitted(book.decide(capped(10_000_000n), atMost(amounts()), START))
    expect(refused(bookOf(), capped(10_000_000n), START, { ...amounts(), dollars: null }).cause).toBe('price')
  })
})

describe('members of an each: limit', () => {
  it('are shown before they have used anything, and forgotten when nothing of theirs is left', () => {
    const book = bookOf({ scope: 'each:key', unit: 'requests', amount: 2, window: { sliding: '1m' } })
    expect(only(book.view(callerOf({ key: 'k5' }), START))).toMatchObject({ scope: 'key:k5', left: 2 })
    for (let i = 0; i < 500; i++)
      book.post(admitted(book.decide(callOf({ key: `k${i}` }), atMost(amounts()), START)), amounts(), START)
    expect(book.size.members).toBe(500)
    const late = admitted(book.decide(callOf({ key: 'k5' }), atMost(amounts()), START + SECOND))
    expect(book.sweep(START + HOUR, 1_000)).toBe(499)
    book.post(late, amounts(), START + HOUR)
    expect(crowd(book, 9, callOf({ key: 'k7' }), START + HOUR).length).toBe(2)
    expect(
      [
        ...book.members(
          limitOf({ scope: 'each:key', unit: 'requests', amount: 2, window: { sliding: '1m' } }).id,
          START + HOUR,
        ),
      ].map(view => view.scope),
    ).toEqual(['key:k5', 'key:k7'])
  })
})

describe('the tightest sliding limit of a call', () => {
  it('is the one with the smallest share left; null where none slides', () => {
    const book = bookOf(
      { scope: 'key:ci', unit: 'requests', amount: 3, window: { sliding: '1m' } },
      { scope: 'key:ci', unit: 'tokens', amount: 9_999, window: { sliding: '1m' } },
    )
    expect(book.tightestSliding(admitted(book.decide(callOf(), atMost(amounts()), START)), START)).toMatchObject({
      unit: 'requests',
      left: 2,
    })
    const other = bookOf({ scope: 'key:ci', unit: 'requests', amount: 3 })
    expect(other.tightestSliding(admitted(other.decide(callOf(), atMost(amounts()), START)), START)).toBeNull()
  })
})

describe('a share of the budget of a run', () => {
  const limits = [
    { scope: 'each:run', unit: 'dollars', amount: '60%', onReached: { downgrade: 'small' } },
    { scope: 'each:run', unit: 'dollars', amount: '90%', window: 'total', onReached: 'warn' },
  ]

  it('sends the run to another model when it is used, and the budget stops it', () => {
    const book = bookOf(limits[0]!)
    const big = callOf({ run: 'r' }, { model: 'big', runBudget: 50_000_000n })
    for (let i = 0; i < 3; i++) book.post(admitted(book.decide(big, atMost(amounts()), START)), amounts(), START)
    const decision = book.decide(big, atMost(amounts()), START)
    if (decision.kind !== 'downgrade') throw new Error(decision.kind)
    expect([decision.model, decision.limit.amount]).toEqual(['small', 30_000_000])
    const small = { ...big, model: 'small', skip: decision.skip }
    for (let i = 0; i < 2; i++) book.post(admitted(book.decide(small, atMost(amounts()), START)), amounts(), START)
    expect(book.decide(small, atMost(amounts()), START)).toMatchObject({
      kind: 'refuse',
      limit: null,
      amount: 50_000_000,
    })
    expect(book.view(big.caller, START).map(({ amount, used }) => [amount, used])).toEqual([
      [30_000_000, 30_000_000],
      [50_000_000, 50_000_000],
    ])
  })

  it('binds no run that brings no budget, and shows in none', () => {
    const book = bookOf(limits[1]!)
    const call = callOf({ run: 'free' })
    expect(admitted(book.decide(call, atMost(amounts(500)), START)).binding.members).toEqual([])
    expect(book.view(call.caller, START)).toEqual([])
  })
})
