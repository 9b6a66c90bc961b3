import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { balancesIn, balancesOf, durably, everyReceipt } from '../ground.contract.ts'
import { asKept, placedCall, plainCall } from '../samples.contract.ts'
import { APPEND, CHECKPOINT, MEMBERS, startChild } from './child.contract.ts'
import { openSqliteStores } from './open.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-crash-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('after kill -9', () => {
  it('every record that was durable is there once and whole, with its use of limits, and the ledger opens by itself, again and again', async () => {
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
        expect(kept).toEqual(numbers.map(n => asKept(placedCall(n))))
        const uses = Map.groupBy(stores.limits.uses(), use => Number(use.text))
        expect(numbers.filter(n => n % 1_000_000 !== 999_999 && uses.get(n)?.length !== 1)).toEqual([])
        expect(await balancesIn(stores.ledger)).toEqual(balancesOf(kept))
        await durably(stores.ledger, placedCall(round * 1_000_000 + 999_999))
      } finally {
        await stores.close()
      }
    }
  })

  it('balances of limits and the uses after them come to every use once, also in the midst of a checkpoint', async () => {
    let isInTheMidst = false
    // Most kills, but not all, come between two pieces of a checkpoint.
    for (let round = 0; round < 2 || (!isInTheMidst && round < 20); round++) {
      const child = startChild(CHECKPOINT, directory)
      let durable = 0
      for (let n = 0; n < 700 + round * 133; n++) durable = Number(await child.line())
      durable = Number((await child.kill()).findLast(line => /^\d+$/.test(line)) ?? durable)

      const { limits, close } = await openSqliteStores({ directory })
      try {
        const kept = new Map(
          Array.from(limits.balances(), ({ balance, asOf }) => [balance.member, [balance.used, asOf]]),
        )
        const sums = Array.from({ length: MEMBERS }, (_, member) => kept.get(String(member))?.[0] ?? 0)
        for (const { seq } of limits.uses()) {
          if (seq > (kept.get(String(seq % MEMBERS))?.[1] ?? 0)) sums[seq % MEMBERS]!++
        }
        expect(limits.lastSeq).toBeGreaterThanOrEqual(durable)
        const uses = Array.from({ length: limits.lastSeq }, (_, n) => n + 1)
        const expected = sums.map((_, member) => uses.filter(seq => seq % MEMBERS === member).length)
        expect(sums).toEqual(expected)
        isInTheMidst ||= new Set(Array.from(kept.values(), ([, asOf]) => asOf)).size > 1
      } finally {
        await close()
      }
    }
    expect(isInTheMidst).toBe(true)
  })
})
