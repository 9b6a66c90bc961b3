import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { balancesIn, balancesOf, durably, everyReceipt } from '../ground.contract.ts'
import { asKept, plainCall } from '../samples.contract.ts'
import { APPEND, startChild } from './child.contract.ts'
import { openSqliteStores } from './open.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-crash-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('after kill -9', () => {
  it('every record that was durable is there once and whole, and the ledger opens by itself, again and again', async () => {
    const durable = new Set<number>()
    for (const round of [0, 1, 2]) {
      const child = startChild(APPEND, directory, String(round * 1_000_000))
      // Killed in the midst of its commits, at a different moment each time.
      for (let n = 0; n < 200 + round * 333; n++) durable.add(Number(await child.line()))
      for (const line of await child.kill()) if (/^\d+$/.test(line)) durable.add(Number(line))

      const stores = await openSqliteStores({ directory })
      try {
        const kept = await everyReceipt(stores.ledger, {}, 1_000)
        const numbers = kept.map(record => record.at - plainCall(0).at)
        expect(new Set(numbers).size).toBe(numbers.length)
        expect([...durable].filter(n => !new Set(numbers).has(n))).toEqual([])
        expect(kept).toEqual(numbers.map(n => asKept(plainCall(n))))
        expect(await balancesIn(stores.ledger)).toEqual(balancesOf(kept))
        await durably(stores.ledger, plainCall(round * 1_000_000 + 999_999))
      } finally {
        await stores.close()
      }
    }
  })
})
