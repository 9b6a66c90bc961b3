import { describe, expect, it } from 'vitest'
import type { LimitedCall } from '../../vocabulary/limited-call.ts'
import { LimitBook } from './book.ts'
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
const FREE = { dollars: 0n, inputTokens: 0, outputTokens: 0 }

describe('a limit', () => {
  it.each([
    ['requests', 25, 25],
    ['concurrency', 25, 25],
    ['dollars', '0.25', 25],
    ['dollars', '0.249999999', 24],
    ['tokens', 2_400, 10],
    ['inputTokens', 399, 9],
    ['outputTokens', 200, 1],
    ['requests', 0, 0],
  ])('of %s admits up to the last call that fits under %s', (unit, amount, fit) => {
    const book = bookOf({ scope: 'key:ci', unit, amount })
    expect(crowd(book, 200, callOf(), START).length).toBe(fit)
  })

  const inside: [string, Partial<LimitedCall>, Partial<LimitedCall>][] = [
    ['organisation', callOf(), callOf()],
    ['team:search', callOf({ team: 'search' }), callOf({ team: 'ads' })],
    ['user:ana', callOf({ user: 'ana' }), callOf({ user: 'ben' })],
    ['key:ci', callOf(), callOf({ key: 'cd' })],
    ['tag:project=atlas', callOf({ tags: { project: 'atlas', a: 'b' } }), callOf({ tags: { project: 'zeus' } })],
    ['run:nightly', callOf({ run: 'nightly' }), callOf({ run: 'daily' })],
    ['model:fast', callOf(), callOf({}, { model: 'slow' })],
    ['upstream:openai', callOf(), callOf({}, { upstreams: ['pool'] })],
    ['each:key', callOf(), callOf({ key: 'cd' })],
    ['each:team', callOf({ team: 'search' }), callOf({ team: 'ads' })],
    ['each:user', callOf({ user: 'ana' }), callOf({ user: 'ben' })],
    ['each:run', callOf({ run: 'one' }), callOf({ run: 'two' })],
    ['each:run', callOf({ run: 'one' }), callOf({ run: 'one', key: 'cd' })],
  ]
  it.each(inside)('on %s binds whoever is in it and nobody else', (scope, within, without) => {
    const book = bookOf({ scope, unit: 'requests', amount: 3 })
    expect(crowd(book, 9, within as LimitedCall, START).length).toBe(3)
    expect(crowd(book, 9, without as LimitedCall, START).length).toBe(
      scope === 'organisation' ? 0 : scope.startsWith('each') ? 3 : 9,
    )
  })

  it('gives back what was not used, and all of a call that no upstream answered, its request too', () => {
    const book = bookOf(
      { scope: 'key:ci', unit: 'dollars', amount: '1' },
      { scope: 'key:ci', unit: 'requests', amount: 2 },
    )
    const [first, second] = crowd(book, 2, callOf(), START, amounts(40))
    book.post(first!, amounts(1), START)
    book.void(second!, START)
    expect(book.view(callerOf(), START).map(({ used, held, left }) => ({ used, held, left }))).toEqual([
      { used: CENT, held: 0, left: 99 * CENT },
      { used: 1, held: 0, left: 1 },
    ])
  })

  it('counts what is beyond a hold in full, says so, and the next call sees it', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'dollars', amount: '0.02' })
    const posting = book.post(
      admitted(book.decide(callOf(), atMost(amounts(1, 40, 100)), START)),
      amounts(9, 40, 1_700),
      START,
    )
    expect(posting.overrun).toEqual([8 * CENT, 1_600, 0, 1_600, 0, 0])
    expect(only(book.view(callerOf(), START))).toMatchObject({ used: 9 * CENT, held: 0, left: 0 })
    expect(refused(book, callOf(), START, amounts(0)).kind).toBe('refuse')
  })

  it('takes all that was held when nobody can tell the price of what was used', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'dollars', amount: '1' })
    const hold = admitted(book.decide(callOf(), atMost(amounts(5)), START))
    book.post(hold, { ...amounts(), dollars: null }, START)
    expect(only(book.view(callerOf(), START)).used).toBe(5 * CENT)
  })

  it('may be changed, keeping its use, and is gone with it when it is removed', () => {
    const book = bookOf({ scope: 'each:key', unit: 'requests', amount: 2 })
    const limit = limitOf({ scope: 'each:key', unit: 'requests', amount: 5 })
    crowd(book, 9, callOf(), START).map(hold => book.post(hold, amounts(), START))
    book.put(limit, START)
    expect(crowd(book, 9, callOf(), START).length).toBe(3)
    book.put({ ...limit, amount: 1 }, START)
    expect(only(book.view(callerOf(), START))).toMatchObject({ amount: 1, used: 2, held: 3, left: 0 })
    expect(book.remove(limit.id)).toBe(true)
    expect(book.remove(limit.id)).toBe(false)
    expect(crowd(book, 9, callOf(), START).length).toBe(9)
  })

  it('counts no further than numbers are exact, and stops there even if it only warns', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'tokens', amount: 1, onReached: 'warn' })
    const huge = { dollars: 0n, inputTokens: 8_000_000_000_000_000, outputTokens: 0 }
    book.post(admitted(book.decide(callOf(), atMost(huge), START)), huge, START)
    expect(refused(book, callOf(), START, huge).cause).toBe('quota')
    expect(book.decide(callOf(), atMost(amounts()), START).kind).toBe('admit')
    const posted = admitted(book.decide(callOf(), atMost(amounts()), START))
    book.post(posted, { ...huge, inputTokens: 2 ** 60 }, START)
    expect(only(book.view(callerOf(), START)).used).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER)
  })
})

describe('a hold', () => {
  it('resolves once, in the book that made it', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'dollars', amount: '1' })
    const hold = admitted(book.decide(callOf(), atMost(amounts()), START))
    expect(() => new LimitBook(START).post(hold, amounts(), START)).toThrow(/made elsewhere/)
    book.post(hold, amounts(), START)
    for (const again of [
      () => book.post(hold, FREE, START),
      () => book.void(hold, START),
      () => book.extend(hold, FREE, START),
    ]) {
      expect(again).toThrow(/resolved already/)
    }
    expect(() => book.decide(callOf(), atMost({ ...amounts(), dollars: -1n }), START)).toThrow(RangeError)
  })

  it('is extended as long as every limit has room, and returns what its extensions did not use', () => {
    const book = bookOf(
      { scope: 'key:ci', unit: 'dollars', amount: '0.10' },
      { scope: 'key:ci', unit: 'requests', amount: 1 },
    )
    const hold = admitted(book.decide(callOf(), atMost(amounts(4)), START))
    expect(book.extend(hold, amounts(4), START)).toBe(true)
    expect(book.extend(hold, amounts(4), START)).toBe(false)
    expect(book.view(callerOf(), START)[0]).toMatchObject({ held: 8 * CENT })
    expect(book.post(hold, amounts(5), START).overrun).toBeNull()
    expect(book.view(callerOf(), START)[0]).toMatchObject({ used: 5 * CENT, held: 0 })
  })

  it('counts an extension in the window in which it was made', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'dollars', amount: '0.10', window: { calendar: 'day' } })
    const hold = admitted(book.decide(callOf(), atMost(amounts(4)), START + DAY - 1))
    expect(book.extend(hold, amounts(6), START + DAY)).toBe(true)
    expect(only(book.view(callerOf(), START + DAY))).toMatchObject({ used: 0, held: 6 * CENT })
    book.post(hold, amounts(7), START + DAY)
    expect(only(book.view(callerOf(), START + DAY))).toMatchObject({ used: 3 * CENT, held: 0 })
  })
})

describe('a window', () => {
  const views = (book: LimitBook, now: number) => only(book.view(callerOf(), now))

  it('that slides admits exactly again when the oldest use is over', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'requests', amount: 2, window: { sliding: '10s' } })
    const holds = [0, 3].map(at => admitted(book.decide(callOf(), atMost(amounts()), START + at * SECOND)))
    for (const hold of holds) book.post(hold, amounts(), START + 9 * SECOND)
    const refusal = refused(book, callOf(), START + 9 * SECOND)
    expect(refusal).toMatchObject({
      cause: 'rate',
      resetsAt: START + 10 * SECOND,
      retryAfterMs: SECOND,
      shouldRetry: true,
    })
    expect(refused(book, callOf(), START + 10 * SECOND - 1).kind).toBe('refuse')
    expect(crowd(book, 5, callOf(), START + 10 * SECOND).length).toBe(1)
    expect(views(book, START + 12_999)).toMatchObject({ used: 1, held: 1 })
    expect(views(book, START + 13 * SECOND)).toMatchObject({ used: 0, held: 1, resetsAt: START + 20 * SECOND })
  })

  it('that slides tells when as much is over as this call needs', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'tokens', amount: 700, window: { sliding: '10s' } })
    for (const at of [0, 2, 4]) crowd(book, 1, callOf(), START + at * SECOND, amounts(1, 0, 200))
    expect(refused(book, callOf(), START + 5 * SECOND, amounts(1, 0, 400)).resetsAt).toBe(START + 12 * SECOND)
    expect(refused(book, callOf(), START + 5 * SECOND, amounts(1, 0, 701))).toMatchObject({
      exceedsWhole: true,
      shouldRetry: false,
      resetsAt: null,
    })
  })

  it('that is anchored opens with the first use, closes after its length, and opens again with the next', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'requests', amount: 2, window: { anchored: '5h' } })
    expect(views(book, START).resetsAt).toBeNull()
    for (const at of [7, HOUR])
      book.post(admitted(book.decide(callOf(), atMost(amounts()), START + at)), amounts(), START + at)
    const closes = START + 7 + 5 * HOUR
    expect(refused(book, callOf(), closes - 1)).toMatchObject({ cause: 'quota', resetsAt: closes, retryAfterMs: 1 })
    expect(views(book, closes)).toMatchObject({ used: 0, left: 2, resetsAt: null })
    admitted(book.decide(callOf(), atMost(amounts()), closes + DAY))
    expect(views(book, closes + DAY).resetsAt).toBe(closes + DAY + 5 * HOUR)
  })

  it('that is anchored is closed again when nothing stayed of what opened it', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'requests', amount: 2, window: { anchored: '5h' } })
    book.void(admitted(book.decide(callOf(), atMost(amounts()), START)), START)
    expect(views(book, START).resetsAt).toBeNull()
  })

  it('of the calendar or a cycle resets on the millisecond, and old holds leave no mark in the new one', () => {
    for (const window of [{ calendar: 'day' }, { cycle: 'month', from: '2026-05-02' }]) {
      const book = bookOf({ scope: 'key:ci', unit: 'requests', amount: 2, window })
      const end = START + DAY
      const [first, second] = crowd(book, 3, callOf(), START)
      expect(refused(book, callOf(), end - 1)).toMatchObject({ resetsAt: end, cause: 'quota' })
      book.post(first!, amounts(), end - 1)
      expect(views(book, end)).toMatchObject({ used: 0, held: 0 })
      book.post(second!, amounts(), end)
      expect(views(book, end)).toMatchObject({ used: 0, held: 0 })
    }
  })

  it('never reopens when time is set back, and never closes twice', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'requests', amount: 1, window: { calendar: 'day' } })
    crowd(book, 1, callOf(), START)
    expect(crowd(book, 1, callOf(), START + DAY).length).toBe(1)
    expect(crowd(book, 1, callOf(), START).length).toBe(0)
    expect(crowd(book, 1, callOf(), START + DAY).length).toBe(0)
    expect(views(book, START).resetsAt).toBe(START + 2 * DAY)
  })

  it('that is total has no reset, and waiting for what is used is in vain', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'requests', amount: 1 })
    const hold = admitted(book.decide(callOf(), atMost(amounts()), START))
    expect(refused(book, callOf(), START)).toMatchObject({ retryAfterMs: SECOND, shouldRetry: true })
    book.post(hold, amounts(), START)
    expect(refused(book, callOf(), START)).toMatchObject({ resetsAt: null, retryAfterMs: null, shouldRetry: false })
  })
})

describe('of several limits', () => {
  it('all decide together, and a call that one refuses leaves nothing in the others', () => {
    const book = bookOf(
      { scope: 'organisation', unit: 'dollars', amount: '1' },
      { scope: 'key:ci', unit: 'requests', amount: 1 },
    )
    expect(crowd(book, 100, callOf(), START).length).toBe(1)
    expect(book.view(callerOf(), START)[0]!.held).toBe(CENT)
  })

  it('the one with the least headroom is named', () => {
    const book = bookOf(
      { scope: 'team:rich', unit: 'dollars', amount: '0.035' },
      { scope: 'key:ci', unit: 'dollars', amount: '0.03' },
      { scope: 'user:ana', unit: 'tokens', amount: 800 },
    )
    const call = callOf({ team: 'rich', user: 'ana' })
    expect(crowd(book, 9, call, START).length).toBe(3)
    const refusal = refused(book, call, START)
    expect(refusal).toMatchObject({
      scope: 'key:ci',
      unit: 'dollars',
      amount: 3 * CENT,
      used: 0,
      held: 3 * CENT,
      cause: 'quota',
    })
    expect(refusalSentence(refusal)).toBe(
      'the limit of 0.03 dollars in total of key:ci is reached: 0 used and 0.03 held, this call needs 0.01 dollars',
    )
  })

  it('one that knows no price refuses those without, and names itself', () => {
    const book = bookOf(
      { scope: 'key:ci', unit: 'dollars', amount: '100' },
      { scope: 'key:ci', unit: 'tokens', amount: 1_500 },
    )
    const refusal = refused(book, callOf(), START, { ...amounts(), dollars: null })
    expect(refusal).toMatchObject({ cause: 'price', scope: 'key:ci', unit: 'dollars', need: null })
    expect(refusalSentence(refusal)).toMatch(/nobody knows the price/)
  })

  it('one that only warns counts a call without a price for nothing, and admits it', () => {
    const book = bookOf({ scope: 'key:ci', unit: 'dollars', amount: '1', onReached: 'warn' })
    const decision = book.decide(callOf(), atMost({ ...amounts(), dollars: null }), START)
    expect(decision).toMatchObject({ kind: 'admit', warnings: [{ unit: 'dollars' }] })
    book.post(admitted(decision), { ...amounts(), dollars: null }, START)
    expect(only(book.view(callerOf(), START))).toMatchObject({ used: 0, held: 0 })
  })

  it('an upstream without room is left out while another may serve the call', () => {
    const book = bookOf(
      { scope: 'upstream:openai', unit: 'requests', amount: 1 },
      { scope: 'upstream:pool', unit: 'requests', amount: 1 },
    )
    const both = callOf({}, { upstreams: ['openai', 'pool'] })
    const first = admitted(book.decide(both, atMost(amounts()), START))
    expect(first.excluded).toEqual([])
    book.post(first, { ...amounts(), byUpstream: { openai: amounts() } }, START)
    expect(admitted(book.decide(both, atMost(amounts()), START)).excluded).toEqual(['openai'])
    expect(refused(book, both, START)).toMatchObject({ scope: 'upstream:openai', used: 1 })
    expect(crowd(book, 1, callOf({}, { upstreams: ['third'] }), START).length).toBe(1)
  })
})

describe('a limit that is taken away and made again', () => {
  it('has no balance of its former life, whatever calls of that time still post', () => {
    const terms = { scope: 'key:ci', unit: 'requests', amount: 10 }
    const book = bookOf(terms)
    const [first, second] = crowd(book, 2, callOf(), START)
    book.post(first!, FREE, START)
    const { id } = limitOf(terms)
    book.remove(id)
    book.put(limitOf(terms, START + SECOND), START + SECOND)
    expect([...book.changes()]).toEqual([])
    book.post(second!, FREE, START + 2 * SECOND)
    const [third] = crowd(book, 1, callOf(), START + 2 * SECOND)
    book.post(third!, FREE, START + 2 * SECOND)
    expect(book.changes()).toMatchObject([{ limit: id, used: 1 }])
    expect(only(book.view(callOf().caller, START + 2 * SECOND)).used).toBe(1)
  })
})
