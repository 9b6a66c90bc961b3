import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { UsageDimension } from '../ports/ledger.ts'
import { balancesIn, balancesOf, byValues, durably, everyReceipt, type Ground } from './ground.contract.ts'
import { asKept, DAY_MS, FIRST_DAY, plainAttempt, plainCall, records, usageOf } from './samples.contract.ts'

/** Four thousand million dollars: three of them are more than 64 bits hold. */
const RICH = 4_000_000_000n * 10n ** 9n

export function describeUsage(name: string, home: Ground): void {
  describe(`${name}: usage`, () => {
    const dimensions: fc.Arbitrary<UsageDimension> = fc.constantFrom(
      'model',
      'team',
      'user',
      'key',
      'deployment',
      'tag:project',
      'tag:a"b',
    )
    const bound = fc.option(fc.integer({ min: FIRST_DAY, max: FIRST_DAY + 3 * DAY_MS }), { nil: undefined })
    const queries = fc.record({ by: fc.uniqueArray(dimensions, { maxLength: 4 }), since: bound, until: bound })

    it('is what adding up the records gives, by any dimensions and within any bounds', () =>
      home.law(
        fc.tuple(records, fc.array(queries, { minLength: 1, maxLength: 6 })),
        ([all]) => all,
        async (ledger, [all, asked]) => {
          for (const query of asked) {
            expect(byValues(await ledger.usage(query))).toEqual(byValues(usageOf(all, query)))
          }
        },
      ))

    it('counts a call at each deployment that it took part in, and once in the totals', async () => {
      const unseen = { deployment: 'a/m', timeToFirstTokenMs: null }
      const attempts = [
        plainAttempt({ ...unseen, outcome: 'serverError', dollars: 5n }),
        plainAttempt({ ...unseen, outcome: 'cut', dollars: 7n }),
        plainAttempt({ deployment: 'b/m', dollars: 11n }),
      ]
      await durably(home.ledger, plainCall(1, { attempts, dollars: 23n }))
      await durably(home.ledger, plainCall(2, { attempts: [], outcome: 'refused', dollars: 0n }))
      const { rows, totals } = await home.ledger.usage({ by: ['deployment'] })
      expect(rows.map(row => [row.group.deployment, row.requests, row.dollars, row.wastedDollars])).toEqual([
        [null, 1, 0n, 0n],
        ['a/m', 1, 12n, 12n],
        ['b/m', 1, 11n, 0n],
      ])
      expect([totals.requests, totals.dollars, totals.wastedDollars]).toEqual([2, 23n, 12n])
    })

    it('counts no dollars as wasted for content that was shown and that another attempt went on from', async () => {
      const cut = plainAttempt({ deployment: 'a/m', outcome: 'cut', dollars: 5n })
      const loser = plainAttempt({ deployment: 'b/m', outcome: 'superseded', dollars: 7n })
      const unseen = plainAttempt({ deployment: 'c/m', outcome: 'stalled', dollars: 11n, timeToFirstTokenMs: null })
      const whole = plainAttempt({ deployment: 'd/m', dollars: 13n })
      await durably(home.ledger, plainCall(1, { attempts: [cut, loser, unseen, whole] }))
      await durably(home.ledger, plainCall(2, { attempts: [cut], outcome: 'failed' }))
      const { rows, totals } = await home.ledger.usage({ by: ['model', 'deployment'] })
      expect(rows.map(row => [row.group.deployment, row.dollars, row.wastedDollars])).toEqual([
        ['a/m', 10n, 5n],
        ['b/m', 7n, 7n],
        ['c/m', 11n, 11n],
        ['d/m', 13n, 0n],
      ])
      expect([totals.dollars, totals.wastedDollars]).toEqual([41n, 23n])
    })

    it('is exact beyond 2^53', async () => {
      const dollars = 2n ** 55n + 1n
      for (let n = 0; n < 3; n++) await durably(home.ledger, plainCall(n, { attempts: [plainAttempt({ dollars })] }))
      expect((await home.ledger.usage({ by: [] })).totals.dollars).toBe(3n * dollars)
      expect((await home.ledger.usage({ by: ['key'] })).rows[0]!.dollars).toBe(3n * dollars)
    })

    it('has rows in the order of their values, absent ones first', async () => {
      const teams = ['search', null, 'ads', 'Zoo']
      await Promise.all(
        teams.map((team, n) => durably(home.ledger, plainCall(n, { caller: { ...plainCall(0).caller, team } }))),
      )
      const { rows } = await home.ledger.usage({ by: ['team'] })
      expect(rows.map(row => row.group.team)).toEqual([null, 'Zoo', 'ads', 'search'])
    })

    it('of an empty ledger has no rows and totals of nothing', async () => {
      const { rows, totals } = await home.ledger.usage({ by: ['model'] })
      expect(rows).toEqual([])
      expect(totals).toEqual(usageOf([], { by: [] }).totals)
    })
  })

  describe(`${name}: amounts beyond 64 bits`, () => {
    const rich = (offsetMs: number, key: string, dollars: bigint) =>
      plainCall(offsetMs, {
        caller: { ...plainCall(0).caller, key },
        outcome: 'failed',
        attempts: [plainAttempt({ deployment: `${key}/m`, outcome: 'cut', dollars })],
      })
    const all = [
      ...Array.from({ length: 28 }, (_, n) => (n % 10 === 5 ? rich(n, 'rich', RICH) : rich(n, 'poor', 3n))),
      plainCall(28, { attempts: [plainAttempt({ usage: { ...plainAttempt().usage!, inputTokens: 2 ** 52 } })] }),
    ]

    it('cost no record of any key: each is durable and found, and balances end at what 64 bits hold', async () => {
      await Promise.all(all.map(record => durably(home.ledger, record)))
      await home.reopen()
      await durably(home.ledger, rich(100, 'rich', RICH))
      const kept = await everyReceipt(home.ledger)
      expect(kept).toEqual([...all, rich(100, 'rich', RICH)].map(asKept))
      expect(kept.filter(record => record.caller.key === 'rich')).toHaveLength(4)
      const balances = await balancesIn(home.ledger)
      expect(balances.get('key:rich')).toBe(1n - (1n << 63n))
      expect(balances.get('deployment:rich/m')).toBe((1n << 63n) - 1n)
      expect(balances.get('key:poor')).toBe(-75n)
      expect(balances.get('deployment:poor/m')).toBe(75n)
    })

    it('come out of usage exactly', async () => {
      await Promise.all(all.map(record => durably(home.ledger, record)))
      for (const by of [[], ['key'], ['deployment', 'tag:project']] as const) {
        expect(byValues(await home.ledger.usage({ by }))).toEqual(byValues(usageOf(all, { by })))
      }
      expect((await home.ledger.usage({ by: [] })).totals.wastedDollars).toBe(3n * RICH + 75n)
    })

    it('keep nothing from being rolled up, where a row ends at what 64 bits hold', async () => {
      await Promise.all(all.map(record => durably(home.ledger, record)))
      await durably(home.ledger, plainCall(40 * DAY_MS, { attempts: [] }))
      await home.reopen({ retainMs: DAY_MS })
      for (let tries = 0; tries < 500 && (await everyReceipt(home.ledger)).length > 1; tries++) {
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      expect(await everyReceipt(home.ledger)).toHaveLength(1)
      const { rows, totals } = await home.ledger.usage({ by: ['key'] })
      expect(rows.map(row => [row.group.key, row.requests, row.wastedDollars])).toEqual([
        ['ci', 2, 0n],
        ['poor', 25, 75n],
        ['rich', 3, (1n << 63n) - 1n],
      ])
      expect(totals.requests).toBe(30)
    })
  })

  describe(`${name}: balances`, () => {
    it('sum to zero and are what the attempts make them', () =>
      home.law(
        records,
        all => all,
        async (ledger, all) => {
          const balances = await ledger.balances()
          expect(balances.reduce((sum, { nanoDollars }) => sum + nanoDollars, 0n)).toBe(0n)
          expect(await balancesIn(ledger)).toEqual(balancesOf(all))
        },
      ))
  })
}

export function describeRetention(name: string, home: Ground): void {
  describe(`${name}: retention`, () => {
    const by: readonly UsageDimension[][] = [
      [],
      ['model'],
      ['team', 'deployment'],
      ['key', 'tag:project', 'model'],
      ['user'],
    ]
    const longAgo = Array.from({ length: 1_500 }, (_, n) =>
      plainCall(n * 100_000, {
        model: n % 3 === 0 ? 'fast' : 'slow',
        outcome: n % 7 === 0 ? 'failed' : 'completed',
        caller: {
          ...plainCall(0).caller,
          key: `k${n % 4}`,
          team: n % 2 === 0 ? 'search' : null,
          tags: n % 5 === 0 ? {} : { project: `p${n % 3}` },
        },
        attempts: [
          plainAttempt({
            deployment: 'a/m',
            outcome: n % 7 === 0 ? 'cut' : 'completed',
            dollars: BigInt(n) * 10n ** 9n,
          }),
          ...(n % 6 === 0 ? [plainAttempt({ deployment: 'b/m', dollars: n % 12 === 0 ? null : 3n })] : []),
        ].slice(n % 11 === 0 ? 2 : 0),
      }),
    )
    const latest = plainCall(40 * DAY_MS)
    const all = [...longAgo, latest]
    const bounds = [
      {},
      { since: FIRST_DAY + DAY_MS },
      { until: FIRST_DAY + DAY_MS },
      { since: FIRST_DAY + DAY_MS, until: FIRST_DAY + 2 * DAY_MS },
    ]

    const untilSwept = async (count: number) => {
      for (let tries = 0; tries < 500; tries++) {
        if ((await everyReceipt(home.ledger, {}, 1_000)).length === count) return
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      throw new Error('retention did not come to its end')
    }

    it('deletes what is older and leaves every total, by day and in all, as it was', async () => {
      await Promise.all(all.map(record => durably(home.ledger, record)))
      await home.reopen({ retainMs: 39 * DAY_MS })
      const young = all.filter(record => record.at >= latest.at - 39 * DAY_MS)
      await untilSwept(young.length)
      expect(young.length).toBeGreaterThan(1)
      expect(young.length).toBeLessThan(all.length)
      for (const dimensions of by) {
        for (const bound of bounds) {
          const query = { by: dimensions, ...bound }
          expect(byValues(await home.ledger.usage(query))).toEqual(byValues(usageOf(all, query)))
        }
      }
      expect(await balancesIn(home.ledger)).toEqual(balancesOf(all))
      expect(await home.ledger.receipt(longAgo[0]!.id)).toBeNull()
      expect(await home.ledger.receipt(latest.id)).toEqual(asKept(latest))
    })

    it('goes on while records come, and remembers the latest time when every record is gone', async () => {
      await home.reopen({ retainMs: 0 })
      for (const record of all.slice(0, 600)) await durably(home.ledger, record)
      await untilSwept(1)
      await home.reopen()
      expect(home.ledger.latestAt).toBe(all[599]!.at)
      expect(byValues(await home.ledger.usage({ by: ['team'] }))).toEqual(
        byValues(usageOf(all.slice(0, 600), { by: ['team'] })),
      )
    })
  })
}
