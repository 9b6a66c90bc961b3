import { describe, expect, it } from 'vitest'
import type { Balance, CoveringBalance, Limit } from '../../vocabulary/limit.ts'
import type { ActualAmounts, LimitedCall } from '../../vocabulary/limited-call.ts'
import type { LimitBook } from './book.ts'
import { type Use, usesOf } from './hold.ts'
import { admitted, amounts, atMost, callOf, START } from './limits.fixture.ts'
import { bookOfPlans, byPart, planLimits, putPlans } from './plans.fixture.ts'

const CENT = 10_000_000
const DAY = 86_400_000
const NOTHING_TO_COUNT = Number.POSITIVE_INFINITY
const ANA = callOf({ team: 'search', user: 'ana' })

/** A new book that takes up what was kept, after JSON. */
function restarted(
  plans: Readonly<Record<string, unknown>>,
  kept: readonly CoveringBalance[],
  journal: readonly { readonly use: Use; readonly number: number }[] = [],
): LimitBook {
  const book = bookOfPlans(plans)
  book.restore(JSON.parse(JSON.stringify(kept)), journal[0]?.number ?? NOTHING_TO_COUNT, START)
  for (const { use, number } of journal) book.recount(ANA, JSON.parse(JSON.stringify(use)), number)
  return book
}

function covered(balances: readonly Balance[], asOf: number): readonly CoveringBalance[] {
  return balances.map(balance => ({ balance, asOf }))
}

function spend(book: LimitBook, call: LimitedCall, held: ActualAmounts, used = held): Use {
  const hold = admitted(book.decide(call, atMost(held), START))
  book.post(hold, used, START)
  return usesOf(hold, used)[0]!
}

function seats(count: number) {
  const pool = { scope: 'plan', unit: 'dollars', window: { calendar: 'month' } }
  return {
    p: { subscribers: ['team:search'], limits: [{ ...pool, seats: [{ kind: 'business', count, each: '0.10' }] }] },
  }
}

function credits(...ids: readonly string[]) {
  const grants = ids.map(id => ({ id, amount: '0.10', createdAt: '2026-01-01' }))
  return { p: { subscribers: ['team:search'], limits: [{ scope: 'each:user', unit: 'dollars', grants }] } }
}

function grantsOf(book: LimitBook, plans: Readonly<Record<string, unknown>>): Readonly<Record<string, number>> {
  const [limit] = planLimits('p', plans.p) as [Limit]
  const [member] = [...book.grants(limit.id, START)]
  return Object.fromEntries(member!.grants.map(({ id, used }) => [id, used / CENT]))
}

describe('after a restart', () => {
  it('with fewer seats in the configuration, those that were paid for stay until the period is over, used or not', () => {
    const book = restarted(seats(3), covered(bookOfPlans(seats(5)).changes(), 0))
    const pool = (now: number) => byPart(book, ANA, now)['plan:p limits']!.amount / CENT
    expect(pool(START)).toBe(50)
    putPlans(book, seats(4))
    expect(pool(START)).toBe(50)
    expect(pool(START + 30 * DAY)).toBe(40)
  })

  it('with more seats in the configuration they count at once', () => {
    const book = restarted(seats(6), covered(bookOfPlans(seats(5)).changes(), 0))
    expect(byPart(book, ANA, START)['plan:p limits']!.amount).toBe(60 * CENT)
  })

  it('credits are drawn as far as they were, in the order in which they were', () => {
    const plans = credits('a', 'b')
    const book = bookOfPlans(plans)
    spend(book, ANA, amounts(13))
    const balances = covered(book.changes(), 1)
    const next = { use: spend(book, ANA, amounts(4)), number: 2 }
    const after = restarted(plans, balances, [next])
    expect(grantsOf(after, plans)).toEqual({ a: 10, b: 7 })
    expect(byPart(after, ANA, START)['user:ana limits']).toMatchObject({ used: 17 * CENT, left: 3 * CENT })
  })

  it.each([
    [7, 16, { a: 10, b: 10 }],
    [4, 3, { a: 7, b: 0 }],
    [4, 9, { a: 10, b: 3 }],
  ])('in the middle of a checkpoint, no use of %i and %i is counted twice nor forgotten', (one, other, drawn) => {
    const plans = credits('a', 'b')
    const book = bookOfPlans(plans)
    const first = { use: spend(book, ANA, amounts(one)), number: 1 }
    const old = covered(book.changes(), 1)
    const second = { use: spend(book, ANA, amounts(3), amounts(other)), number: 2 }
    const fresh = covered(book.changes(), 2)
    expect(grantsOf(book, plans)).toEqual(drawn)
    for (let written = 0; written <= fresh.length; written++) {
      const parts = [...old, ...fresh.slice(0, written)]
      const latest = new Map(parts.map(kept => [kept.balance.member, kept]))
      const after = restarted(plans, [...latest.values()], [first, second])
      expect(grantsOf(after, plans), `${written} written`).toEqual(drawn)
      expect(byPart(after, ANA, START)['user:ana limits']!.used).toBe((one + other) * CENT)
    }
  })

  it('what was used beyond all credits is still owed, and paid by what is granted then', () => {
    const plans = credits('a')
    const book = bookOfPlans(plans)
    const use = { use: spend(book, ANA, amounts(8), amounts(13)), number: 1 }
    for (const after of [restarted(plans, covered(book.changes(), 1)), restarted(plans, [], [use])]) {
      expect(byPart(after, ANA, START)['user:ana limits']).toMatchObject({ used: 13 * CENT, left: 0 })
      putPlans(after, credits('a', 'b'))
      expect(grantsOf(after, credits('a', 'b'))).toEqual({ a: 10, b: 3 })
    }
  })

  it('credits that were taken back are gone with their use', () => {
    const book = bookOfPlans(credits('a', 'b'))
    spend(book, ANA, amounts(13))
    const after = restarted(credits('b'), covered(book.changes(), 1))
    expect(byPart(after, ANA, START)['user:ana limits']).toMatchObject({ amount: 10 * CENT, used: 3 * CENT })
  })

  it('what was burnt counts at the rate of its time, whatever the rate is now', () => {
    const rate = (output: string) => ({
      p: {
        subscribers: ['team:search'],
        limits: [{ scope: 'plan', unit: 'tokens', amount: 90_000, window: { calendar: 'month' }, weights: { output } }],
      },
    })
    const book = bookOfPlans(rate('8'))
    const use = { use: spend(book, ANA, amounts(1, 40, 200)), number: 1 }
    expect(byPart(restarted(rate('4'), [], [use]), ANA, START)['plan:p limits']).toMatchObject({ used: 1_640 })
  })
})
