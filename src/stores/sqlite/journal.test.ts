import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AttemptRecord, CallRecord } from '../../vocabulary/record.ts'
import { balancesIn, balancesOf, durably, everyReceipt } from '../ground.contract.ts'
import { asKept, plainAttempt, plainCall, plainRoute } from '../samples.contract.ts'
import { MAX_CONTENDER_CHARACTERS } from './choiceEncoder.ts'
import { LEDGER_FILE } from './database.ts'
import { MAX_CIRCUMSTANCE_CHARACTERS } from './encoder.ts'
import { MAX_WAITING_WRITABLE } from './journal.ts'
import { MAX_NAMES } from './names.ts'
import { openSqliteStores, type SqliteStores } from './open.ts'
import { ATTEMPT, CALL, RING_WORDS } from './ring.ts'
import { MAX_REASON_CHARACTERS } from './routeBytes.ts'

let directory: string
let stores: SqliteStores

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-journal-'))
  stores = await openSqliteStores({ directory })
})
afterEach(async () => {
  await stores.close()
  rmSync(directory, { recursive: true, force: true })
})

function all(records: readonly CallRecord[]): Promise<readonly unknown[]> {
  return Promise.all(records.map(record => durably(stores.ledger, record)))
}

describe('the journal', () => {
  it('keeps every record when more come at once than the ring holds', async () => {
    const count = Math.ceil((RING_WORDS / (CALL.words + ATTEMPT.words)) * 1.5)
    const records = Array.from({ length: count }, (_, n) => plainCall(n))
    await all(records)
    const { totals } = await stores.ledger.usage({ by: [] })
    expect(totals.requests).toBe(count)
    expect(await balancesIn(stores.ledger)).toEqual(balancesOf(records))
  })

  it('is not writable while more records wait than a bound, and is again once they are written', async () => {
    const pending: Promise<void>[] = []
    while (stores.ledger.writable && pending.length < 100_000) {
      pending.push(durably(stores.ledger, plainCall(pending.length)))
    }
    expect(pending.length).toBeGreaterThan(MAX_WAITING_WRITABLE)
    expect(pending.length).toBeLessThan(MAX_WAITING_WRITABLE + RING_WORDS / CALL.words)
    await Promise.all(pending)
    expect(stores.ledger.writable).toBe(true)
    expect((await stores.ledger.usage({ by: [] })).totals.requests).toBe(pending.length)
  })

  it('stays writable when a record can not be kept, since the disk takes the others', async () => {
    await expect(durably(stores.ledger, plainCall(1, { status: Number.NaN }))).rejects.toThrow(/write/)
    expect(stores.ledger.writable).toBe(true)
    await durably(stores.ledger, plainCall(2))
  })

  it('keeps apart more callers than it remembers at once', async () => {
    const records = Array.from({ length: MAX_NAMES * 2 + 10 }, (_, n) =>
      plainCall(n, {
        caller: { ...plainCall(0).caller, tags: { session: `s${n}` }, run: n % 2 === 0 ? `run-${n}` : null },
      }),
    )
    await all(records)
    await all(records.slice(0, 50).map((record, n) => plainCall(100_000 + n, { caller: record.caller })))
    for (const n of [0, 1, MAX_NAMES - 1, MAX_NAMES, MAX_NAMES + 1, records.length - 1]) {
      expect(await stores.ledger.receipt(records[n]!.id)).toEqual(asKept(records[n]!))
      expect(await stores.ledger.receipt(plainCall(100_000).id)).toMatchObject({ caller: records[0]!.caller })
    }
  })

  it('tells the same tags in another order as one caller, and of one caller what each call says', async () => {
    const caller = { key: 'ci', team: null, user: null, run: null }
    const tags = { a: '1', b: '2' }
    await durably(stores.ledger, plainCall(1, { caller: { ...caller, tags } }))
    await durably(stores.ledger, plainCall(2, { caller: { ...caller, tags: { b: '2', a: '1' } } }))
    await durably(stores.ledger, plainCall(3, { caller: { ...caller, tags, user: 'ana' } }))
    await durably(stores.ledger, plainCall(4, { caller: { ...caller, tags, key: 'web' } }))
    const users = (await everyReceipt(stores.ledger)).map(({ caller }) => [caller.key, caller.user])
    expect(users).toEqual([
      ['ci', null],
      ['ci', null],
      ['ci', 'ana'],
      ['web', null],
    ])
  })

  it('refuses a record that no ring could take, and stays of use', async () => {
    const attempts = Array.from({ length: 1_001 }, () => plainAttempt())
    await expect(durably(stores.ledger, plainCall(1, { attempts }))).rejects.toThrow(/too many/)
    await expect(durably(stores.ledger, plainCall(2, { model: 'm'.repeat(100_000) }))).rejects.toThrow(/too long/)
    const run = 'r'.repeat(100_000)
    const caller = { ...plainCall(0).caller, run }
    await expect(durably(stores.ledger, plainCall(3, { caller }))).rejects.toThrow(/too long/)
    const most = plainCall(4, { attempts: attempts.slice(1), caller: { ...caller, run: 'é'.repeat(60_000) } })
    await durably(stores.ledger, most)
    expect(await stores.ledger.receipt(most.id)).toEqual(asKept(most))
  })

  it('keeps the beginning of what an upstream says at any length of how it served a call', async () => {
    const special = { serviceTier: 't'.repeat(300_000), webSearches: 2 }
    const usage = { ...plainAttempt().usage!, special }
    await durably(stores.ledger, plainCall(1, { attempts: [plainAttempt({ usage })] }))
    expect((await stores.ledger.receipt(plainCall(1).id))?.attempts[0]?.usage?.special).toEqual({
      serviceTier: 't'.repeat(MAX_CIRCUMSTANCE_CHARACTERS),
      webSearches: 2,
    })
  })

  it('loses the one record that an account does not take, and none that was written together with it', async () => {
    await durably(stores.ledger, plainCall(0))
    const db = new DatabaseSync(join(directory, LEDGER_FILE))
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON accounts WHEN new.name = 'deployment:bad/m'
      BEGIN SELECT RAISE(ABORT, 'not to this account'); END`)
    db.close()
    const to = (n: number, deployment: string) => plainCall(n, { attempts: [plainAttempt({ deployment })] })
    const records = Array.from({ length: 20 }, (_, n) => to(n + 1, n === 10 ? 'bad/m' : 'good/m'))
    const outcomes = await Promise.allSettled(records.map(record => durably(stores.ledger, record)))
    expect(outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([10])
    const kept = [plainCall(0), ...records.toSpliced(10, 1)]
    expect(await everyReceipt(stores.ledger)).toEqual(kept.map(asKept))
    expect(await balancesIn(stores.ledger)).toEqual(balancesOf(kept))
  })

  it('tells the others when one owner throws', async () => {
    const thrown = new Promise(resolve => {
      const before = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException')
      process.once('uncaughtException', error => {
        for (const listener of before) process.on('uncaughtException', listener)
        resolve(error)
      })
    })
    stores.ledger.append(plainCall(1), () => {
      throw new Error('a fault of the program')
    })
    await durably(stores.ledger, plainCall(2))
    expect(await thrown).toMatchObject({ message: 'a fault of the program' })
  })

  it('keeps the beginning of routes that name more than an entry takes, and loses no record for them', async () => {
    const candidates = Array.from({ length: 1_000 }, (_, n) => ({ deployment: `pool/${n}`, score: n, dollars: null }))
    const passedOver = Array.from({ length: 1_000 }, (_, n) => ({ deployment: `old/${n}`, why: `reason ${n}` }))
    const spill = { why: 'full', expectedMs: 1, targetMs: null, harmDollars: null, moreDollars: 7n } as const
    const placement = { expectedCachedTokens: 5, spill }
    const attempt = plainAttempt({ replica: 3, route: { by: 'balanced', candidates, passedOver }, placement })
    for (const [n, count] of [1, 100, 1_000].entries()) {
      const record = plainCall(n, { attempts: Array.from({ length: count }, () => attempt) })
      await durably(stores.ledger, record)
      const kept = (await stores.ledger.receipt(record.id))!.attempts
      expect(kept).toHaveLength(count)
      for (const { route, replica, dollars, placement: kind } of [kept[0]!, kept.at(-1)!]) {
        expect([replica, dollars, kind]).toEqual([3, attempt.dollars, placement])
        expect(route!.candidates.length).toBeGreaterThanOrEqual(4)
        expect(route!.candidates).toEqual(candidates.slice(0, route!.candidates.length))
        expect(route!.passedOver).toEqual(passedOver.slice(0, route!.passedOver.length))
      }
    }
  })

  it('keeps the beginning of what a route says at any length', async () => {
    const passedOver = [{ deployment: 'd'.repeat(300_000), why: 'ü'.repeat(100_000) }]
    const route = plainRoute({ passedOver: [...passedOver, { deployment: '', why: '' }] })
    await durably(stores.ledger, plainCall(1, { attempts: [plainAttempt({ route })] }))
    expect((await stores.ledger.receipt(plainCall(1).id))?.attempts[0]?.route?.passedOver).toEqual([
      { deployment: 'd'.repeat(MAX_CONTENDER_CHARACTERS), why: 'ü'.repeat(MAX_REASON_CHARACTERS) },
      { deployment: '', why: '' },
    ])
  })

  /** Bytes of disk that a plain call takes with such an attempt, indexes and names included. */
  async function bytesPerCall(choice: Partial<AttemptRecord>): Promise<number> {
    const own = join(directory, choice.route?.by ?? (choice.placement ? 'placed' : 'plain'))
    const opened = await openSqliteStores({ directory: own })
    const count = 20_000
    const records = Array.from({ length: count }, (_, n) => {
      // Ends come out of the order of arrivals, over a second or so.
      const offsetMs = Math.floor(n / 12) + ((n * 7_919) % 1_009)
      return {
        ...plainCall(offsetMs, {
          model: `model-${n % 20}`,
          caller: { ...plainCall(0).caller, key: `key-${n % 200}` },
          attempts: [
            plainAttempt({ deployment: `openai/model-${n % 20}`, startedAt: plainCall(offsetMs).at + 1, ...choice }),
          ],
        }),
        id: plainCall(offsetMs).id.slice(0, -3) + n.toString(8).padStart(3, '0').slice(-3),
      }
    })
    await Promise.all(records.map(record => durably(opened.ledger, record)))
    const { requests } = (await opened.ledger.usage({ by: [] })).totals
    await opened.close()
    const bytes = readdirSync(own).reduce((sum, name) => sum + statSync(join(own, name)).size, 0)
    expect(requests).toBeGreaterThan(count / 2)
    return bytes / requests
  }

  it('takes at most 200 bytes of disk for a plain call, indexes and names included', async () => {
    expect(await bytesPerCall({ replica: null, route: null })).toBeLessThan(200)
  })

  it('takes at most 100 bytes more for a choice among three deployments and their replicas', async () => {
    const chosen = await bytesPerCall({ replica: 1, route: plainRoute({ passedOver: [] }) })
    expect(chosen - (await bytesPerCall({ replica: null, route: null }))).toBeLessThan(100)
  })

  it('takes at most 25 bytes more for the replica that a call was placed on and what was expected there', async () => {
    const placed = await bytesPerCall({ replica: 1, placement: { expectedCachedTokens: 1_024, spill: null } })
    expect(placed - (await bytesPerCall({ replica: null, route: null }))).toBeLessThan(25)
  })
})
