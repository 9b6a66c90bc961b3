import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KeptBalance } from '../ports/ledger.ts'
import { type Balance, MAX_QUANTITY } from '../vocabulary/limit.ts'
import { durably, type Ground } from './ground.contract.ts'
import { balanceOf, kept, limitOf, memberOf, NOW } from './limits.contract.ts'
import { plainCall } from './samples.contract.ts'

/** More than any adapter writes at once. */
const MANY = 2_600

function inOrder(all: Iterable<KeptBalance>): readonly KeptBalance[] {
  return [...all].sort((a, b) => (memberOf(a) < memberOf(b) ? -1 : 1))
}

/** What a store of limits is told, with a small world so that things meet. */
type Step =
  | { readonly do: 'use' | 'reopen' }
  | { readonly do: 'put' | 'remove'; readonly id: string }
  | { readonly do: 'checkpoint'; readonly balances: readonly Balance[]; readonly behind: number; readonly now: number }

const ids = fc.constantFrom('lim_a', 'lim_b')
const quantities = fc.oneof(fc.nat({ max: 100 }), fc.constant(MAX_QUANTITY))
const balances: fc.Arbitrary<Balance> = fc.record({
  limit: fc.option(ids),
  member: fc.constantFrom('', 'ci', 'ünï\ncode'),
  budget: fc.option(quantities),
  used: quantities,
  opensAt: fc.nat({ max: 20 }),
  endsAt: fc.option(fc.nat({ max: 20 })),
  uses: fc.option(fc.array(quantities, { maxLength: 4 })),
})
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('use' as const, 'use' as const, 'reopen' as const) }),
    fc.record({ do: fc.constantFrom('put' as const, 'put' as const, 'remove' as const), id: ids }),
    fc.record({
      do: fc.constant('checkpoint' as const),
      balances: fc.uniqueArray(balances, { selector: ({ limit, member }) => `${limit} ${member}`, maxLength: 5 }),
      behind: fc.nat({ max: 2 }),
      now: fc.nat({ max: 20 }),
    }),
  ),
  { minLength: 10, maxLength: 40 },
)

/** What a store must hold after some steps, in the plainest way. */
class Expected {
  readonly limits = new Set<string>()
  readonly balances = new Map<string, KeptBalance>()
  uses: number[] = []
  seq = 0

  remove(id: string): void {
    this.limits.delete(id)
    for (const [member, { balance }] of this.balances) if (balance.limit === id) this.balances.delete(member)
  }

  checkpoint(balances: readonly Balance[], asOf: number, now: number): void {
    for (const balance of balances) {
      if (balance.limit !== null && !this.limits.has(balance.limit)) continue
      this.balances.set(memberOf({ balance, asOf }), { balance, asOf })
    }
    this.uses = this.uses.filter(seq => seq > asOf)
    for (const [member, { balance }] of this.balances) {
      if (balance.endsAt !== null && balance.endsAt <= now) this.balances.delete(member)
    }
  }
}

export function describeCheckpoints(name: string, home: Ground): void {
  describe(`${name}: checkpoints of limits`, () => {
    it('leave balances, the uses after them and the limits, in whatever order things come', async () => {
      let passed = 0
      const law = fc.asyncProperty(steps, async all => {
        await home.renew()
        const expected = new Expected()
        let asOf = 0
        for (const step of all) {
          if (step.do === 'reopen') await home.reopen()
          else if (step.do === 'use') {
            home.limits.keepUse({ seq: ++expected.seq, text: String(expected.seq) })
            expected.uses.push(expected.seq)
          } else if (step.do === 'put') {
            await home.limits.putLimit(limitOf(step.id), null)
            expected.limits.add(step.id)
          } else if (step.do === 'remove') {
            await home.limits.removeLimit(step.id, null)
            expected.remove(step.id)
          } else if (step.do === 'checkpoint') {
            asOf = Math.max(asOf, expected.seq - step.behind)
            await home.limits.checkpoint(step.balances, asOf, step.now)
            expected.checkpoint(step.balances, asOf, step.now)
          }
        }
        await home.reopen()
        expect(home.limits.limits().map(({ id }) => id)).toEqual([...expected.limits].sort())
        expect(inOrder(home.limits.balances())).toEqual(inOrder(expected.balances.values()))
        expect(Array.from(home.limits.uses(), use => use.seq)).toEqual(expected.uses)
        expect(home.limits.lastSeq).toBe(expected.seq)
        passed += expected.balances.size
      })
      // Each try opens stores anew, so that a search for the least counterexample would take minutes.
      await fc.assert(law, { numRuns: 15, endOnFailure: true })
      expect(passed).toBeGreaterThan(0)
    })

    it('of many members are whole, and records come between their pieces', async () => {
      await home.limits.putLimit(limitOf('lim_a'), null)
      const all = Array.from({ length: MANY }, (_, n) =>
        balanceOf('lim_a', `member ${n} ${'m'.repeat(n % 90)}`, { used: n, uses: n % 2 === 0 ? [NOW, n] : null }),
      )
      for (let seq = 1; seq <= MANY; seq++) home.limits.keepUse({ seq, text: 'use' })
      const order: string[] = []
      const written = home.limits.checkpoint(all, MANY - 10, NOW).then(() => order.push('checkpoint'))
      await durably(home.ledger, plainCall(1))
      order.push('record')
      await written
      expect(order).toEqual(['record', 'checkpoint'])
      await home.reopen()
      expect(inOrder(home.limits.balances())).toEqual(inOrder(all.map(balance => ({ balance, asOf: MANY - 10 }))))
      expect(Array.from(home.limits.uses(), use => use.seq)).toEqual(Array.from({ length: 10 }, (_, n) => MANY - 9 + n))
      expect(home.limits.lastSeq).toBe(MANY)
    })

    it('let many balances that are over go, sooner or later', async () => {
      const all = Array.from({ length: MANY }, (_, n) => balanceOf(null, `run ${n}`, { endsAt: NOW + (n % 2) }))
      await home.limits.checkpoint(all, 1, NOW - 1)
      expect(kept(home.limits)).toHaveLength(MANY)
      await home.limits.checkpoint([], 1, NOW)
      for (let tries = 0; tries < 500 && kept(home.limits).length > MANY / 2; tries++) {
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      expect(kept(home.limits).map(({ balance }) => balance.endsAt)).toEqual(new Array(MANY / 2).fill(NOW + 1))
    })

    it('that ask for one after the other are written in their order', async () => {
      const balances = (used: number) => Array.from({ length: MANY }, (_, n) => balanceOf(null, `run ${n}`, { used }))
      await Promise.all([1, 2, 3].map(n => home.limits.checkpoint(balances(n), n, NOW)))
      expect(kept(home.limits).every(({ balance, asOf }) => balance.used === 3 && asOf === 3)).toBe(true)
    })

    it('do not bring back what was used of a limit that was removed meanwhile, even when it came back at once', async () => {
      for (const id of ['lim_a', 'lim_b', 'lim_c']) await home.limits.putLimit(limitOf(id), null)
      const all = ['lim_a', 'lim_b', 'lim_c'].flatMap(id =>
        Array.from({ length: MANY }, (_, n) => balanceOf(id, `member ${n}`)),
      )
      const changes: Promise<void>[] = [home.limits.checkpoint(all, 1, NOW)]
      changes.push(home.limits.removeLimit('lim_a', null))
      changes.push(home.limits.removeLimit('lim_b', null), home.limits.putLimit(limitOf('lim_b'), null))
      changes.push(home.limits.checkpoint([balanceOf('lim_b', 'new')], 2, NOW))
      changes.push(home.limits.removeLimit('lim_c', null), home.limits.putLimit(limitOf('lim_c'), null))
      changes.push(home.limits.removeLimit('lim_c', null))
      await Promise.all(changes)
      await home.limits.putLimit(limitOf('lim_a'), null)
      await home.limits.putLimit(limitOf('lim_c'), null)
      await home.reopen()
      expect(home.limits.limits().map(({ id }) => id)).toEqual(['lim_a', 'lim_b', 'lim_c'])
      expect(kept(home.limits)).toEqual([{ balance: balanceOf('lim_b', 'new'), asOf: 2 }])
    })

    it('that can not be written keep every use', async () => {
      home.limits.keepUse({ seq: 1, text: 'use' })
      const wrong = balanceOf(null, 'run', { used: 0.5 })
      await expect(home.limits.checkpoint([balanceOf(null, 'other'), wrong], 1, NOW)).rejects.toThrow(/write/)
      expect([...home.limits.uses()]).toEqual([{ seq: 1, text: 'use' }])
      await home.limits.checkpoint([balanceOf(null, 'run')], 1, NOW)
      expect([...home.limits.uses()]).toEqual([])
    })

    it('may be read in part', async () => {
      await home.limits.checkpoint([balanceOf(null, 'a'), balanceOf(null, 'b')], 1, NOW)
      for (const first of home.limits.balances()) {
        expect(first).toEqual({ balance: balanceOf(null, 'a'), asOf: 1 })
        break
      }
      const iterator = home.limits.balances()[Symbol.iterator]()
      expect(iterator.next().done).toBe(false)
      await home.reopen()
      expect(() => iterator.next()).toThrow()
      expect(kept(home.limits)).toHaveLength(2)
    })
  })
}
