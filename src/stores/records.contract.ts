import { describe, expect, it } from 'vitest'
import { balancesIn, balancesOf, durably, everyReceipt, type Ground } from './ground.contract.ts'
import { asKept, FIRST_DAY, plainAttempt, plainCall, records } from './samples.contract.ts'

/** The largest amount that a ledger holds, in nano-dollars. */
const LARGEST = (1n << 63n) - 1n

export function describeRecords(name: string, home: Ground): void {
  describe(`${name}: records`, () => {
    it('come back as they were appended, lengths of time to the microsecond', () =>
      home.law(
        records,
        all => all,
        async (ledger, all) => {
          for (const record of all) expect(await ledger.receipt(record.id)).toEqual(asKept(record))
        },
      ))

    it('are found as soon as they are durable', async () => {
      for (let n = 0; n < 20; n++) {
        await durably(home.ledger, plainCall(n))
        expect(await home.ledger.receipt(plainCall(n).id)).toEqual(asKept(plainCall(n)))
      }
    })

    it('are not found under an id that no call has, or that is no id', async () => {
      await durably(home.ledger, plainCall(1))
      expect(await home.ledger.receipt(plainCall(2).id)).toBeNull()
      expect(await home.ledger.receipt('pen_nothing')).toBeNull()
    })

    it('outlive the store that took them', async () => {
      await durably(home.ledger, plainCall(1))
      await home.reopen()
      expect(await home.ledger.receipt(plainCall(1).id)).toEqual(asKept(plainCall(1)))
      await durably(home.ledger, plainCall(2))
      expect(await everyReceipt(home.ledger)).toHaveLength(2)
    })

    it('are told to be durable once each, in their order and never within the call', async () => {
      const told: number[] = []
      await new Promise<void>(resolve => {
        for (let n = 0; n < 500; n++) {
          home.ledger.append(plainCall(n), failure => {
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
      await durably(home.ledger, plainCall(1))
      await Promise.all([1, 2, 3].map(() => durably(home.ledger, plainCall(1, { status: 500 }))))
      await home.reopen()
      await durably(home.ledger, plainCall(1, { status: 500 }))
      expect(await everyReceipt(home.ledger)).toEqual([asKept(plainCall(1))])
      expect(await balancesIn(home.ledger)).toEqual(balancesOf([plainCall(1)]))
    })

    it('that can not be kept fail alone', async () => {
      const outcomes = await Promise.allSettled([
        durably(home.ledger, plainCall(1)),
        durably(home.ledger, plainCall(2, { model: 'new', status: Number.NaN })),
        durably(home.ledger, plainCall(3, { id: 'pen_nothing' })),
        durably(home.ledger, plainCall(4, { outcome: 'unheard of' as 'failed' })),
        durably(home.ledger, plainCall(5, { model: 'new', attempts: [plainAttempt({ deployment: 'new/new' })] })),
      ])
      expect(outcomes.map(outcome => outcome.status)).toEqual([
        'fulfilled',
        'rejected',
        'rejected',
        'rejected',
        'fulfilled',
      ])
      const kept = await everyReceipt(home.ledger)
      expect(kept.map(record => record.id)).toEqual([plainCall(1).id, plainCall(5).id])
      expect(await balancesIn(home.ledger)).toEqual(balancesOf(kept))
    })

    it('are kept whatever figures they carry, at the nearest that a ledger holds', async () => {
      const { usage } = plainAttempt()
      const endless = { durationMs: Number.POSITIVE_INFINITY, timeToFirstTokenMs: 1e300 }
      const attempt = plainAttempt({
        ...endless,
        startedAt: Number.NaN,
        dollars: 1n << 80n,
        usage: { ...usage!, inputTokens: 1e300, outputTokens: 2.6, reasoningTokens: Number.NaN },
      })
      const held = plainCall(1, { heldDollars: 9_007_199_254_740_991n * 10_000n, dollars: -(1n << 63n), ...endless })
      await durably(home.ledger, { ...held, attempts: [attempt] })
      const longest = {
        durationMs: Number.MAX_SAFE_INTEGER / 1_000,
        timeToFirstTokenMs: Number.MAX_SAFE_INTEGER / 1_000,
      }
      expect(await home.ledger.receipt(held.id)).toEqual({
        ...held,
        ...longest,
        heldDollars: LARGEST,
        dollars: -LARGEST,
        attempts: [
          {
            ...attempt,
            ...longest,
            startedAt: held.at,
            dollars: LARGEST,
            usage: { ...usage, inputTokens: Number.MAX_SAFE_INTEGER, outputTokens: 3, reasoningTokens: 0 },
          },
        ],
      })
    })

    it.each([LARGEST, LARGEST - 1n, -LARGEST])('keep an amount of %d exactly', async amount => {
      await durably(home.ledger, plainCall(1, { heldDollars: amount, dollars: amount, attempts: [] }))
      expect(await home.ledger.receipt(plainCall(1).id)).toMatchObject({ heldDollars: amount, dollars: amount })
    })

    it('fail with a reason once the store is closed', async () => {
      await home.close()
      await expect(durably(home.ledger, plainCall(1))).rejects.toThrow(/closed/)
      await expect(home.ledger.receipt(plainCall(1).id)).rejects.toThrow(/closed/)
    })

    it('that were pending are written before the store closes', async () => {
      const pending = Array.from({ length: 1_000 }, (_, n) => durably(home.ledger, plainCall(n)))
      await home.reopen()
      await Promise.all(pending)
      expect(await everyReceipt(home.ledger)).toHaveLength(1_000)
    })

    it('tell the latest time that any of them carries, also after a reopening', async () => {
      expect(home.ledger.latestAt).toBe(0)
      await durably(home.ledger, plainCall(5_000))
      await durably(home.ledger, plainCall(4_000))
      expect(home.ledger.latestAt).toBe(FIRST_DAY + 5_000)
      await home.reopen()
      expect(home.ledger.latestAt).toBe(FIRST_DAY + 5_000)
    })
  })
}

export function describePages(name: string, home: Ground): void {
  describe(`${name}: pages`, () => {
    const outcomes = ['completed', 'failed', 'callerLeft', 'completed', 'refused'] as const
    const all = Array.from({ length: 53 }, (_, n) => plainCall(n * 10, { outcome: outcomes[n % 5]! }))

    it.each([1, 7, 53, 1_000])('of %i hold every record once, oldest first', async limit => {
      await Promise.all([...all].reverse().map(record => durably(home.ledger, record)))
      expect(await everyReceipt(home.ledger, {}, limit)).toEqual(all.map(asKept))
    })

    it('begin with since and end before until', async () => {
      await Promise.all(all.map(record => durably(home.ledger, record)))
      const within = await everyReceipt(home.ledger, { since: FIRST_DAY + 100, until: FIRST_DAY + 200 }, 4)
      expect(within.map(record => record.at - FIRST_DAY)).toEqual([100, 110, 120, 130, 140, 150, 160, 170, 180, 190])
    })

    it.each(['completed', 'failed', 'callerLeft', 'refused'] as const)('of one outcome hold only %s', async outcome => {
      await Promise.all(all.map(record => durably(home.ledger, record)))
      const expected = all.filter(record => record.outcome === outcome).map(asKept)
      expect(await everyReceipt(home.ledger, { outcome }, 3)).toEqual(expected)
    })

    it.each([0, 1_001, 1.5, Number.NaN])('of %d are refused', async limit => {
      await expect(home.ledger.receipts({ limit })).rejects.toThrow(RangeError)
    })

    it('after a cursor that was never given out are refused', async () => {
      await expect(home.ledger.receipts({ limit: 1, cursor: 'elsewhere' })).rejects.toThrow(RangeError)
    })
  })
}
