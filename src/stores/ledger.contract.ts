import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { KeyStore, LedgerStore, UsageDimension, UsageReport } from '../ports/ledger.ts'
import type { Key } from '../vocabulary/caller.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import { asKept, DAY_MS, FIRST_DAY, plainAttempt, plainCall, records, usageOf } from './samples.contract.ts'

export interface Stores {
  readonly ledger: LedgerStore
  readonly keys: KeyStore
  close(): Promise<void>
}

/** A place that outlives the stores opened on it. */
export interface Home {
  open(options?: { readonly retainMs?: number }): Promise<Stores>
  remove(): Promise<void>
}

/** Rounds of a law: each opens a store of its own. */
const LAW_ROUNDS = 12

/** Appends, and resolves when the record is durable. */
export function durably(ledger: LedgerStore, record: CallRecord): Promise<void> {
  return new Promise((resolve, reject) => {
    ledger.append(record, failure => (failure ? reject(failure) : resolve()))
  })
}

/** Everything that the ledger holds, page by page. */
export async function everyReceipt(
  ledger: LedgerStore,
  query: Omit<Parameters<LedgerStore['receipts']>[0], 'limit' | 'cursor'> = {},
  limit = 100,
): Promise<readonly CallRecord[]> {
  const all: CallRecord[] = []
  let cursor: string | null = null
  do {
    const page = await ledger.receipts({ ...query, limit, ...(cursor === null ? {} : { cursor }) })
    all.push(...page.records)
    cursor = page.cursor
  } while (cursor !== null)
  return all
}

function byValues(report: UsageReport): UsageReport {
  const inOrder = (rows: UsageReport['rows']) =>
    [...rows].sort((a, b) => (JSON.stringify(a.group) < JSON.stringify(b.group) ? -1 : 1))
  return { ...report, rows: inOrder(report.rows) }
}

/** Balances as the attempts of the records make them, without accounts that nothing was posted to. */
export function balancesOf(all: readonly CallRecord[]): ReadonlyMap<string, bigint> {
  const balances = new Map<string, bigint>()
  const post = (account: string, amount: bigint) => balances.set(account, (balances.get(account) ?? 0n) + amount)
  for (const { caller, attempts } of all) {
    for (const { deployment, dollars } of attempts) {
      post(`key:${caller.key}`, -(dollars ?? 0n))
      post(`deployment:${deployment}`, dollars ?? 0n)
    }
  }
  return new Map([...balances].filter(([, amount]) => amount !== 0n))
}

export async function balancesIn(ledger: LedgerStore): Promise<ReadonlyMap<string, bigint>> {
  const balances = await ledger.balances()
  return new Map(balances.filter(({ nanoDollars }) => nanoDollars !== 0n).map(b => [b.account, b.nanoDollars]))
}

const key: Key = {
  name: 'ci',
  team: 'search',
  user: null,
  tags: { project: 'atlas' },
  models: ['fast'],
  secretHash: 'ab'.repeat(32),
  createdAt: FIRST_DAY,
  declared: false,
}

/** What every adapter of LedgerStore and KeyStore has to hold. */
export function describeLedger(name: string, makeHome: () => Promise<Home>): void {
  let home: Home
  let stores: Stores

  beforeEach(async () => {
    home = await makeHome()
    stores = await home.open()
  })
  afterEach(async () => {
    await stores.close()
    await home.remove()
  })

  const reopen = async (options?: { readonly retainMs?: number }) => {
    await stores.close()
    stores = await home.open(options)
  }

  /** A law over random records, each round in a ledger of its own. */
  const law = async <T>(
    inputs: fc.Arbitrary<T>,
    all: (input: T) => readonly CallRecord[],
    check: (ledger: LedgerStore, input: T) => Promise<void>,
  ) =>
    fc.assert(
      fc.asyncProperty(inputs, async input => {
        const own = await makeHome()
        const opened = await own.open()
        try {
          await Promise.all(all(input).map(record => durably(opened.ledger, record)))
          await check(opened.ledger, input)
        } finally {
          await opened.close()
          await own.remove()
        }
      }),
      { numRuns: LAW_ROUNDS },
    )

  describe(`${name}: records`, () => {
    it('come back as they were appended, lengths of time to the microsecond', () =>
      law(
        records,
        all => all,
        async (ledger, all) => {
          for (const record of all) expect(await ledger.receipt(record.id)).toEqual(asKept(record))
        },
      ))

    it('are found as soon as they are durable', async () => {
      for (let n = 0; n < 20; n++) {
        await durably(stores.ledger, plainCall(n))
        expect(await stores.ledger.receipt(plainCall(n).id)).toEqual(asKept(plainCall(n)))
      }
    })

    it('are not found under an id that no call has, or that is no id', async () => {
      await durably(stores.ledger, plainCall(1))
      expect(await stores.ledger.receipt(plainCall(2).id)).toBeNull()
      expect(await stores.ledger.receipt('pen_nothing')).toBeNull()
    })

    it('outlive the store that took them', async () => {
      await durably(stores.ledger, plainCall(1))
      await reopen()
      expect(await stores.ledger.receipt(plainCall(1).id)).toEqual(asKept(plainCall(1)))
      await durably(stores.ledger, plainCall(2))
      expect(await everyReceipt(stores.ledger)).toHaveLength(2)
    })

    it('are told to be durable once each, in their order and never within the call', async () => {
      const told: number[] = []
      await new Promise<void>(resolve => {
        for (let n = 0; n < 500; n++) {
          stores.ledger.append(plainCall(n), failure => {
            expect(failure).toBeNull()
            told.push(n)
            if (told.length === 500) resolve()
          })
        }
        expect(told).toEqual([])
      })
      await new Promise(resolve => setTimeout(resolve, 20))
      expect(told).toEqual(Array.from({ length: 500 }, (_, n) => n))
    })

    it('stay as they were first, and are posted once, however often they are appended', async () => {
      await durably(stores.ledger, plainCall(1))
      await Promise.all([1, 2, 3].map(() => durably(stores.ledger, plainCall(1, { status: 500 }))))
      await reopen()
      await durably(stores.ledger, plainCall(1, { status: 500 }))
      expect(await everyReceipt(stores.ledger)).toEqual([asKept(plainCall(1))])
      expect(await balancesIn(stores.ledger)).toEqual(balancesOf([plainCall(1)]))
    })

    it('that can not be kept fail alone', async () => {
      const outcomes = await Promise.allSettled([
        durably(stores.ledger, plainCall(1)),
        durably(stores.ledger, plainCall(2, { status: Number.NaN })),
        durably(stores.ledger, plainCall(3, { id: 'pen_nothing' })),
        durably(stores.ledger, plainCall(4, { heldDollars: 1n << 70n })),
        durably(stores.ledger, plainCall(5, { model: 'new', attempts: [plainAttempt({ deployment: 'new/new' })] })),
      ])
      expect(outcomes.map(outcome => outcome.status)).toEqual([
        'fulfilled',
        'rejected',
        'rejected',
        'rejected',
        'fulfilled',
      ])
      const kept = await everyReceipt(stores.ledger)
      expect(kept.map(record => record.id)).toEqual([plainCall(1).id, plainCall(5).id])
      expect(await balancesIn(stores.ledger)).toEqual(balancesOf(kept))
    })

    it('fail with a reason once the store is closed', async () => {
      await stores.close()
      await expect(durably(stores.ledger, plainCall(1))).rejects.toThrow(/closed/)
      await expect(stores.ledger.receipt(plainCall(1).id)).rejects.toThrow(/closed/)
    })

    it('that were pending are written before the store closes', async () => {
      const pending = Array.from({ length: 1_000 }, (_, n) => durably(stores.ledger, plainCall(n)))
      await reopen()
      await Promise.all(pending)
      expect(await everyReceipt(stores.ledger)).toHaveLength(1_000)
    })

    it('tell the latest time that any of them carries, also after a reopening', async () => {
      expect(stores.ledger.latestAt).toBe(0)
      await durably(stores.ledger, plainCall(5_000))
      await durably(stores.ledger, plainCall(4_000))
      expect(stores.ledger.latestAt).toBe(FIRST_DAY + 5_000)
      await reopen()
      expect(stores.ledger.latestAt).toBe(FIRST_DAY + 5_000)
    })
  })

  describe(`${name}: pages`, () => {
    const outcomes = ['completed', 'failed', 'callerLeft', 'completed', 'refused'] as const
    const all = Array.from({ length: 53 }, (_, n) => plainCall(n * 10, { outcome: outcomes[n % 5]! }))

    it.each([1, 7, 53, 1_000])('of %i hold every record once, oldest first', async limit => {
      await Promise.all([...all].reverse().map(record => durably(stores.ledger, record)))
      expect(await everyReceipt(stores.ledger, {}, limit)).toEqual(all.map(asKept))
    })

    it('begin with since and end before until', async () => {
      await Promise.all(all.map(record => durably(stores.ledger, record)))
      const within = await everyReceipt(stores.ledger, { since: FIRST_DAY + 100, until: FIRST_DAY + 200 }, 4)
      expect(within.map(record => record.at - FIRST_DAY)).toEqual([100, 110, 120, 130, 140, 150, 160, 170, 180, 190])
    })

    it.each(['completed', 'failed', 'callerLeft', 'refused'] as const)('of one outcome hold only %s', async outcome => {
      await Promise.all(all.map(record => durably(stores.ledger, record)))
      const expected = all.filter(record => record.outcome === outcome).map(asKept)
      expect(await everyReceipt(stores.ledger, { outcome }, 3)).toEqual(expected)
    })

    it.each([0, 1_001, 1.5, Number.NaN])('of %d are refused', async limit => {
      await expect(stores.ledger.receipts({ limit })).rejects.toThrow(RangeError)
    })

    it('after a cursor that was never given out are refused', async () => {
      await expect(stores.ledger.receipts({ limit: 1, cursor: 'elsewhere' })).rejects.toThrow(RangeError)
    })
  })

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
      law(
        fc.tuple(records, fc.array(queries, { minLength: 1, maxLength: 6 })),
        ([all]) => all,
        async (ledger, [all, asked]) => {
          for (const query of asked) {
            expect(byValues(await ledger.usage(query))).toEqual(byValues(usageOf(all, query)))
          }
        },
      ))

    it('counts a call at each deployment that it took part in, and once in the totals', async () => {
      const attempts = [
        plainAttempt({ deployment: 'a/m', outcome: 'serverError', dollars: 5n }),
        plainAttempt({ deployment: 'a/m', outcome: 'cut', dollars: 7n }),
        plainAttempt({ deployment: 'b/m', dollars: 11n }),
      ]
      await durably(stores.ledger, plainCall(1, { attempts, dollars: 23n }))
      await durably(stores.ledger, plainCall(2, { attempts: [], outcome: 'refused', dollars: 0n }))
      const { rows, totals } = await stores.ledger.usage({ by: ['deployment'] })
      expect(rows.map(row => [row.group.deployment, row.requests, row.dollars, row.wastedDollars])).toEqual([
        [null, 1, 0n, 0n],
        ['a/m', 1, 12n, 12n],
        ['b/m', 1, 11n, 0n],
      ])
      expect([totals.requests, totals.dollars, totals.wastedDollars]).toEqual([2, 23n, 12n])
    })

    it('is exact beyond 2^53', async () => {
      const dollars = 2n ** 55n + 1n
      for (let n = 0; n < 3; n++) await durably(stores.ledger, plainCall(n, { attempts: [plainAttempt({ dollars })] }))
      expect((await stores.ledger.usage({ by: [] })).totals.dollars).toBe(3n * dollars)
      expect((await stores.ledger.usage({ by: ['key'] })).rows[0]!.dollars).toBe(3n * dollars)
    })

    it('has rows in the order of their values, absent ones first', async () => {
      const teams = ['search', null, 'ads', 'Zoo']
      await Promise.all(
        teams.map((team, n) => durably(stores.ledger, plainCall(n, { caller: { ...plainCall(0).caller, team } }))),
      )
      const { rows } = await stores.ledger.usage({ by: ['team'] })
      expect(rows.map(row => row.group.team)).toEqual([null, 'Zoo', 'ads', 'search'])
    })

    it('of an empty ledger has no rows and totals of nothing', async () => {
      const { rows, totals } = await stores.ledger.usage({ by: ['model'] })
      expect(rows).toEqual([])
      expect(totals).toEqual(usageOf([], { by: [] }).totals)
    })
  })

  describe(`${name}: balances`, () => {
    it('sum to zero and are what the attempts make them', () =>
      law(
        records,
        all => all,
        async (ledger, all) => {
          const balances = await ledger.balances()
          expect(balances.reduce((sum, { nanoDollars }) => sum + nanoDollars, 0n)).toBe(0n)
          expect(await balancesIn(ledger)).toEqual(balancesOf(all))
        },
      ))
  })

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
        if ((await everyReceipt(stores.ledger, {}, 1_000)).length === count) return
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      throw new Error('retention did not come to its end')
    }

    it('deletes what is older and leaves every total, by day and in all, as it was', async () => {
      await Promise.all(all.map(record => durably(stores.ledger, record)))
      await reopen({ retainMs: 39 * DAY_MS })
      const young = all.filter(record => record.at >= latest.at - 39 * DAY_MS)
      await untilSwept(young.length)
      expect(young.length).toBeGreaterThan(1)
      expect(young.length).toBeLessThan(all.length)
      for (const dimensions of by) {
        for (const bound of bounds) {
          const query = { by: dimensions, ...bound }
          expect(byValues(await stores.ledger.usage(query))).toEqual(byValues(usageOf(all, query)))
        }
      }
      expect(await balancesIn(stores.ledger)).toEqual(balancesOf(all))
      expect(await stores.ledger.receipt(longAgo[0]!.id)).toBeNull()
      expect(await stores.ledger.receipt(latest.id)).toEqual(asKept(latest))
    })

    it('goes on while records come, and remembers the latest time when every record is gone', async () => {
      await reopen({ retainMs: 0 })
      for (const record of all.slice(0, 600)) await durably(stores.ledger, record)
      await untilSwept(1)
      await reopen()
      expect(stores.ledger.latestAt).toBe(all[599]!.at)
      expect(byValues(await stores.ledger.usage({ by: ['team'] }))).toEqual(
        byValues(usageOf(all.slice(0, 600), { by: ['team'] })),
      )
    })
  })

  describe(`${name}: keys`, () => {
    it('are there at once when they were made, and after a reopening', async () => {
      expect(stores.keys.keys()).toEqual([])
      expect(await stores.keys.create(key)).toBe(true)
      expect(await stores.keys.create({ ...key, name: 'all', models: null, tags: {}, team: null })).toBe(true)
      expect(stores.keys.keys()).toContainEqual(key)
      await reopen()
      expect([...stores.keys.keys()].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
        { ...key, name: 'all', models: null, tags: {}, team: null },
        key,
      ])
    })

    it('are made once under one name, also at the same time', async () => {
      const made = await Promise.all([1, 2, 3].map(n => stores.keys.create({ ...key, secretHash: `${n}` })))
      expect(made.filter(Boolean)).toHaveLength(1)
      expect(await stores.keys.create(key)).toBe(false)
      expect(stores.keys.keys()).toHaveLength(1)
    })

    it('are of no use from the moment they are revoked, and their name is free again', async () => {
      await stores.keys.create(key)
      const revoking = stores.keys.revoke(key.name)
      expect(stores.keys.keys()).toEqual([])
      expect(await revoking).toBe(true)
      expect(await stores.keys.revoke(key.name)).toBe(false)
      await reopen()
      expect(stores.keys.keys()).toEqual([])
      expect(await stores.keys.create(key)).toBe(true)
    })
  })
}
