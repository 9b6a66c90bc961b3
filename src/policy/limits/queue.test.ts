import { describe, expect, it } from 'vitest'
import type { LimitBook } from './book.ts'
import type { Queued } from './decision.ts'
import { admitted, amounts, atMost, bookOf, callOf, crowd, limitOf, START } from './limits.fixture.ts'
import { MAX_WAITING, WaitingCalls } from './queue.ts'
import { Rule } from './rule.ts'
import { MemberState } from './state.ts'

const SECOND = 1_000
const SLOT = { scope: 'key:ci', unit: 'concurrency', amount: 1, onReached: 'queue', wait: '30s' }

function queued(book: LimitBook, now = START, call = callOf()): Queued {
  const decision = book.decide(call, atMost(amounts()), now)
  if (decision.kind !== 'queue') throw new Error(`expected to wait, got ${decision.kind}`)
  return decision
}

describe('calls that wait', () => {
  it('go on in order of arrival, and nobody who comes later overtakes', () => {
    const book = bookOf(SLOT)
    let running = admitted(book.decide(callOf(), atMost(amounts()), START))
    const tickets = Array.from({ length: 5 }, () => queued(book).ticket)
    for (const expected of tickets) {
      book.void(running, START)
      const late = queued(book).ticket
      const woken = book.wake(START)
      expect(woken.map(({ ticket }) => ticket)).toEqual([expected])
      running = admitted(woken[0]!.decision)
      expect(book.leave(late)).toBe(true)
      expect(book.leave(late)).toBe(false)
    }
    expect(book.isAnyWaiting).toBe(false)
    expect(book.nextWakeAt).toBeNull()
  })

  it('go on when a window lets them, at the moment that is told', () => {
    const book = bookOf({
      scope: 'key:ci',
      unit: 'requests',
      amount: 2,
      window: { sliding: '10s' },
      onReached: 'queue',
      wait: '1m',
    })
    crowd(book, 2, callOf(), START + SECOND)
    const { ticket } = queued(book, START + 2 * SECOND)
    expect(book.nextWakeAt).toBe(START + 11 * SECOND)
    expect(book.wake(START + 11 * SECOND - 1)).toEqual([])
    expect(book.wake(START + 11 * SECOND).map(woken => [woken.ticket, woken.decision.kind])).toEqual([
      [ticket, 'admit'],
    ])
  })

  it('wait no longer than their deadline', () => {
    const book = bookOf(SLOT)
    admitted(book.decide(callOf(), atMost(amounts()), START))
    queued(book, START, { ...callOf(), deadlineAt: START + 2 * SECOND })
    expect(book.nextWakeAt).toBe(START + 2 * SECOND)
    expect(book.wake(START + 2 * SECOND)).toMatchObject([{ decision: { kind: 'refuse' } }])
  })

  it('are refused when they have waited long enough, by the limit that they waited for', () => {
    const book = bookOf(SLOT)
    admitted(book.decide(callOf(), atMost(amounts()), START))
    queued(book)
    expect(book.nextWakeAt).toBe(START + 30 * SECOND)
    expect(book.wake(START + 30 * SECOND - 1)).toEqual([])
    expect(book.wake(START + 30 * SECOND)).toMatchObject([
      { decision: { kind: 'refuse', scope: 'key:ci', cause: 'rate' } },
    ])
    expect(book.size.waiting).toBe(0)
  })

  it('wait at the next limit that has no room, behind those who came before them', () => {
    const book = bookOf(SLOT, { ...SLOT, scope: 'team:red' })
    const red = callOf({ key: 'cd', team: 'red' })
    const both = callOf({ team: 'red' })
    const [slot] = crowd(book, 1, callOf(), START)
    const [team] = crowd(book, 1, red, START)
    const first = queued(book, START, both).ticket
    const second = queued(book, START, red).ticket
    book.void(slot!, START)
    expect(book.wake(START)).toEqual([])
    book.void(team!, START)
    const [woken] = book.wake(START)
    expect(woken!.ticket).toBe(first)
    book.void(admitted(woken!.decision), START)
    expect(book.wake(START).map(({ ticket }) => ticket)).toEqual([second])
  })

  it('are free when their limit is taken away or made wider', () => {
    for (const change of [
      (book: LimitBook) => book.remove(limitOf(SLOT).id),
      (book: LimitBook) => book.put(limitOf({ ...SLOT, amount: 9 }), START),
    ]) {
      const book = bookOf(SLOT)
      admitted(book.decide(callOf(), atMost(amounts()), START))
      queued(book)
      change(book)
      expect(book.wake(START).map(({ decision }) => decision.kind)).toEqual(['admit'])
    }
  })

  it('do not wait for what will never fit, nor where another limit stops them', () => {
    const never = bookOf({ ...SLOT, unit: 'tokens', amount: 100, window: { sliding: '1m' } })
    expect(never.decide(callOf(), atMost(amounts()), START)).toMatchObject({ kind: 'refuse', exceedsWhole: true })
    const stopped = bookOf(SLOT, { scope: 'key:ci', unit: 'requests', amount: 1 })
    admitted(stopped.decide(callOf(), atMost(amounts()), START))
    expect(stopped.decide(callOf(), atMost(amounts()), START)).toMatchObject({ kind: 'refuse', unit: 'requests' })
  })

  it(`are no more than ${MAX_WAITING}`, () => {
    const book = bookOf(SLOT)
    admitted(book.decide(callOf(), atMost(amounts()), START))
    for (let i = 0; i < MAX_WAITING; i++) queued(book)
    expect(book.decide(callOf(), atMost(amounts()), START).kind).toBe('refuse')
  })
})

describe('a thousand calls that wait', () => {
  it('are looked through when one has waited long enough, and not whenever another call ends', () => {
    const rule = Rule.of(limitOf(SLOT), null)
    const member = new MemberState(rule, '', 1, START)
    const waiting = new WaitingCalls()
    let looks = 0
    for (let i = 0; i < 1_000; i++) {
      const ticket = { call: callOf(), need: [0, 0, 0, 0, 1, 1], amounts: amounts(), arrival: i, member: null }
      waiting.add(
        {
          ...ticket,
          get deadline() {
            looks++
            return START + 30 * SECOND + i
          },
        },
        member,
      )
    }
    looks = 0
    expect([waiting.overdue(START + SECOND), waiting.nextAt(), looks]).toEqual([[], START + 30 * SECOND, 0])
    const [first] = waiting.overdue(START + 30 * SECOND)
    waiting.remove(first!)
    expect([first!.arrival, waiting.nextAt(), waiting.size]).toEqual([0, START + 30 * SECOND + 1, 999])
    expect(looks).toBeGreaterThan(999)
  })
})
