import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Grant } from '../../vocabulary/plan-grant.ts'
import { GrantPool } from './grants.ts'

function grantOf(id: string, changes: Partial<Grant> = {}): Grant {
  return { id, amount: 100, priority: 50, expiresAt: null, createdAt: 0, kind: 'prepaid', ...changes }
}

/** What is drawn of each grant when so much is used at once. */
function drawnOf(pool: GrantPool, used: number, at = 0): Readonly<Record<string, number>> {
  return Object.fromEntries(pool.settle(at, used, used))
}

describe('credits', () => {
  const orders: [string, Partial<Grant>, Partial<Grant>][] = [
    ['the smaller priority', { priority: 0 }, { priority: 1, expiresAt: 50 }],
    ['the earlier expiry', { expiresAt: 50, createdAt: 9 }, { expiresAt: 60 }],
    ['one that expires', { expiresAt: 50, createdAt: 9 }, { expiresAt: null }],
    ['the older', { createdAt: 1 }, { createdAt: 2 }],
  ]
  it.each(orders)('are drawn of %s first, however they are listed', (_, first, second) => {
    for (const ids of ['ab', 'ba']) {
      const grants = [grantOf(ids[0]!, first), grantOf(ids[1]!, second)]
      for (const list of [grants, grants.toReversed()]) {
        expect(drawnOf(new GrantPool(list, 10), 130, 10)).toEqual({ [ids[0]!]: 100, [ids[1]!]: 30 })
      }
    }
  })

  it('of equal grants are drawn in the order of their ids, so that every instance draws the same', () => {
    for (const list of [
      [grantOf('a'), grantOf('b')],
      [grantOf('b'), grantOf('a')],
    ]) {
      expect(drawnOf(new GrantPool(list, 0), 100)).toEqual({ a: 100 })
    }
  })

  it('count from when they were granted until they expire, and take along what is unused', () => {
    const pool = new GrantPool([grantOf('a', { createdAt: 10, expiresAt: 20 })], 9)
    expect([pool.amount, pool.changesAt(), pool.beginsAt(), pool.expiresAt()]).toEqual([0, 10, 10, null])
    pool.pass(10, 0)
    expect([pool.amount, pool.changesAt(), pool.beginsAt(), pool.expiresAt()]).toEqual([100, 20, null, 20])
    drawnOf(pool, 30, 15)
    pool.pass(20, 0)
    expect([pool.amount, pool.used, pool.changesAt()]).toEqual([30, 30, Number.POSITIVE_INFINITY])
    expect(pool.view()).toMatchObject([{ used: 30, remaining: 0, expired: 70 }])
  })

  it('that a call held before they expired are honoured, and what it leaves over expires then', () => {
    const pool = new GrantPool([grantOf('a', { expiresAt: 20 }), grantOf('b', { amount: 50 })], 0)
    pool.pass(20, 60)
    expect(pool.amount - pool.used - 60).toBe(50)
    expect(pool.view()[0]).toMatchObject({ used: 0, remaining: 60, expired: 40 })
    expect(pool.settle(19, 60, 45)).toEqual([['a', 45]])
    expect(pool.view()).toMatchObject([
      { used: 45, remaining: 0, expired: 55 },
      { used: 0, remaining: 50 },
    ])
  })

  it('that expired are not drawn by calls that came later', () => {
    const pool = new GrantPool([grantOf('a', { expiresAt: 20 }), grantOf('b')], 0)
    pool.pass(20, 60)
    expect(pool.settle(20, 10, 10)).toEqual([['b', 10]])
    expect(pool.settle(19, 60, 60)).toEqual([['a', 60]])
  })

  it('owe what was used beyond them, and what is granted later pays it first', () => {
    const pool = new GrantPool([grantOf('a')], 0)
    pool.settle(0, 50, 130)
    expect([pool.used, pool.debt, pool.amount]).toEqual([130, 30, 100])
    pool.change([grantOf('a'), grantOf('b', { createdAt: 5 })], 5, 0)
    expect([pool.used, pool.debt, pool.amount]).toEqual([130, 0, 200])
    expect(pool.draws()).toEqual([
      ['a', 100],
      ['b', 30],
    ])
  })

  it('that are taken back are gone with their use', () => {
    const pool = new GrantPool([grantOf('a'), grantOf('b')], 0)
    drawnOf(pool, 120)
    pool.change([grantOf('b')], 0, 0)
    expect([pool.amount, pool.used]).toEqual([100, 20])
  })

  type Step = readonly [kind: number, which: number, amount: number]
  const steps = fc.array(fc.tuple(fc.nat(9), fc.nat(7), fc.nat(60)) as fc.Arbitrary<Step>, {
    minLength: 50,
    maxLength: 120,
  })
  const grants = fc
    .array(
      fc.record({
        amount: fc.nat(80),
        priority: fc.nat(2),
        createdAt: fc.nat(30),
        length: fc.option(fc.integer({ min: 1, max: 60 })),
      }),
      { minLength: 1, maxLength: 5 },
    )
    .map(list =>
      list.map(({ amount, priority, createdAt, length }, i) =>
        grantOf(`g${i}`, { amount, priority, createdAt, expiresAt: length === null ? null : createdAt + length }),
      ),
    )

  it('are conserved: used, remaining and expired are what was granted, and no call draws what another holds', () => {
    let overran = 0
    let keptAfterExpiry = 0
    fc.assert(
      fc.property(grants, steps, fc.boolean(), (list, all, mayOverrun) => {
        const pool = new GrantPool(list, 0)
        const open: { readonly at: number; readonly held: number }[] = []
        let now = 0
        let held = 0
        let used = 0
        let over = false
        for (const [kind, which, amount] of all) {
          if (kind < 5 && pool.used + held + amount <= pool.amount) {
            open.push({ at: now, held: amount })
            held += amount
          } else if (kind < 8 && open.length > 0) {
            const [call] = open.splice(which % open.length, 1)
            const wants = mayOverrun && kind === 7 ? call!.held * 2 : Math.floor((call!.held * amount) / 60)
            over ||= wants > call!.held
            pool.settle(call!.at, call!.held, wants)
            held -= call!.held
            used += wants
          } else now += which
          pool.pass(now, held)
          const views = pool.view()
          for (const view of views) {
            expect(view.used + view.remaining + view.expired).toBe(view.amount)
            expect(Math.min(view.used, view.remaining, view.expired)).toBeGreaterThanOrEqual(0)
            if (view.expiresAt !== null && view.expiresAt <= now && view.remaining > 0) keptAfterExpiry++
          }
          expect(pool.used).toBe(used)
          expect(views.reduce((sum, view) => sum + view.used, 0) + pool.debt).toBe(used)
          expect(views.reduce((sum, view) => sum + view.used + view.remaining, 0)).toBe(pool.amount)
          if (over) overran++
          else expect(used + held).toBeLessThanOrEqual(pool.amount)
        }
      }),
      { numRuns: 300, seed: 11 },
    )
    expect(overran).toBeGreaterThan(100)
    expect(keptAfterExpiry).toBeGreaterThan(100)
  })
})
