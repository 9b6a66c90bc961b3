import { describe, expect, it } from 'vitest'
import type { AuditEntry, KeptBalance, LimitStore, StoredLimit } from '../ports/ledger.ts'
import type { Balance } from '../vocabulary/limit.ts'
import { durably, type Ground } from './ground.contract.ts'
import { FIRST_DAY, plainCall } from './samples.contract.ts'

export const NOW = FIRST_DAY

export function limitOf(id: string, changes: Partial<StoredLimit> = {}): StoredLimit {
  const terms = { scope: { key: 'ci' }, unit: 'dollars', amount: '25', window: { calendar: 'month' } }
  return { id, terms, createdAt: NOW, declared: false, ...changes }
}

export function balanceOf(limit: string | null, member: string, changes: Partial<Balance> = {}): Balance {
  return { limit, member, budget: null, used: 7, opensAt: NOW, endsAt: null, uses: null, ...changes }
}

function auditOf(subject: string, changes: Partial<AuditEntry> = {}): AuditEntry {
  return { at: NOW, actor: 'admin', address: '10.0.0.9', action: 'create', subject, before: null, after: 1, ...changes }
}

export function kept(store: LimitStore): readonly KeptBalance[] {
  return [...store.balances()]
}

export function memberOf({ balance }: KeptBalance): string {
  return `${balance.limit} ${balance.member}`
}

export function describeLimits(name: string, home: Ground): void {
  describe(`${name}: limits`, () => {
    it('are none at first, and were never used', () => {
      expect(home.limits.limits()).toEqual([])
      expect(kept(home.limits)).toEqual([])
      expect([...home.limits.uses()]).toEqual([])
      expect(home.limits.lastSeq).toBe(0)
    })

    it('come back as they were put last, whatever their terms say', async () => {
      const terms = { scope: 'each:key', unit: 'requests', amount: 9, window: { sliding: '1m' }, later: [null, 'ünï'] }
      await home.limits.putLimit(limitOf('lim_b'), null)
      await home.limits.putLimit(limitOf('lim_a', { declared: true, createdAt: 5 }), auditOf('limit:lim_a'))
      await home.limits.putLimit(limitOf('lim_b', { terms }), null)
      await home.reopen()
      expect(home.limits.limits()).toEqual([
        limitOf('lim_a', { declared: true, createdAt: 5 }),
        limitOf('lim_b', { terms }),
      ])
    })

    it('keep what is used of them when their terms change', async () => {
      await home.limits.putLimit(limitOf('lim_a'), null)
      await home.limits.checkpoint([balanceOf('lim_a', '')], 3, NOW)
      await home.limits.putLimit(limitOf('lim_a', { terms: { amount: '30' } }), null)
      await home.reopen()
      expect(kept(home.limits)).toEqual([{ balance: balanceOf('lim_a', ''), asOf: 3 }])
    })

    it('take their balances with them when they are removed, and no others', async () => {
      for (const id of ['lim_a', 'lim_b']) await home.limits.putLimit(limitOf(id), null)
      const balances = ['lim_a', 'lim_b', null].flatMap(id => ['x', 'y'].map(member => balanceOf(id, member)))
      await home.limits.checkpoint(balances, 1, NOW)
      await home.limits.removeLimit('lim_a', auditOf('limit:lim_a', { action: 'delete' }))
      await home.limits.removeLimit('lim_unknown', null)
      await home.reopen()
      expect(home.limits.limits()).toEqual([limitOf('lim_b')])
      expect(new Set(kept(home.limits).map(memberOf))).toEqual(new Set(['lim_b x', 'lim_b y', 'null x', 'null y']))
    })

    it('that are too large fail, and change nothing', async () => {
      const large = limitOf('lim_a', { terms: 't'.repeat(1_000_000) })
      await expect(home.limits.putLimit(large, auditOf('limit:lim_a'))).rejects.toThrow(/too many/)
      await home.reopen()
      expect(home.limits.limits()).toEqual([])
      expect(await home.limits.audits({ limit: 10 })).toEqual([])
    })
  })
}

export function describeUses(name: string, home: Ground): void {
  describe(`${name}: uses of limits`, () => {
    it('are there in their order, no later than the record that follows, and outlive the store', async () => {
      for (let seq = 1; seq <= 300; seq++) {
        home.limits.keepUse({ seq, text: `{"used":${seq},"of":"ünïcode"}` })
        if (seq % 3 === 0) await durably(home.ledger, plainCall(seq))
      }
      const all = Array.from({ length: 300 }, (_, n) => ({ seq: n + 1, text: `{"used":${n + 1},"of":"ünïcode"}` }))
      expect([...home.limits.uses()]).toEqual(all)
      await home.reopen()
      expect([...home.limits.uses()]).toEqual(all)
      expect(home.limits.lastSeq).toBe(300)
    })

    it('are kept without a record too', async () => {
      home.limits.keepUse({ seq: 1, text: 'alone' })
      await home.reopen()
      expect([...home.limits.uses()]).toEqual([{ seq: 1, text: 'alone' }])
    })

    it('are all kept, in order with the records, when more come at once than there is room for', async () => {
      const text = 'u'.repeat(2_000)
      const pending: Promise<void>[] = []
      for (let seq = 1; seq <= 8_000; seq++) {
        home.limits.keepUse({ seq, text })
        if (seq % 100 === 0) pending.push(durably(home.ledger, plainCall(seq)))
      }
      await Promise.all(pending)
      expect(Array.from(home.limits.uses(), use => use.seq)).toEqual(Array.from({ length: 8_000 }, (_, n) => n + 1))
    })

    it('go on when only uses come, and more than there is room for', async () => {
      const text = 'u'.repeat(20_000)
      for (let seq = 1; seq <= 1_000; seq++) home.limits.keepUse({ seq, text })
      await home.reopen()
      expect([...home.limits.uses()].filter(use => use.text === text)).toHaveLength(1_000)
    })

    it('are kept at any length, and the records around them too', async () => {
      const long = [60_000, 70_000, 1_000_000, 3_000_000].map((length, n) => ({
        seq: n + 1,
        text: 'aé€😀'.repeat(length),
      }))
      const records = long.map(use => {
        home.limits.keepUse(use)
        return durably(home.ledger, plainCall(use.seq))
      })
      await Promise.all(records)
      expect([...home.limits.uses()]).toEqual(long)
    })

    it('are kept beside a record that can not be kept', async () => {
      const long = { seq: 2, text: 'é€'.repeat(200_000) }
      home.limits.keepUse({ seq: 1, text: 'before' })
      const failing = durably(home.ledger, plainCall(1, { status: Number.NaN }))
      home.limits.keepUse(long)
      const following = durably(home.ledger, plainCall(2))
      await expect(failing).rejects.toThrow(/write/)
      await following
      expect([...home.limits.uses()]).toEqual([{ seq: 1, text: 'before' }, long])
    })

    it('are for nothing, without an error, once the store is closed', async () => {
      await home.close()
      expect(() => home.limits.keepUse({ seq: 1, text: 'late' })).not.toThrow()
      await home.reopen()
      expect([...home.limits.uses()]).toEqual([])
    })
  })
}

export function describeAudits(name: string, home: Ground): void {
  describe(`${name}: the audit`, () => {
    it('has each change of a limit, and each that is kept nowhere else, once, newest first, page by page, also after a reopening', async () => {
      const entries = [
        auditOf('limit:lim_a', { after: { amount: '25' } }),
        auditOf('limit:lim_a', { action: 'change', before: { amount: '25' }, after: { amount: 'ünï', x: [null] } }),
        auditOf('limit:lim_a', { action: 'delete', actor: 'configuration', address: null, before: [], after: null }),
        auditOf('replica:pool/0', { action: 'change', before: { state: 'ready' }, after: { state: 'draining' } }),
      ]
      await home.limits.putLimit(limitOf('lim_a'), entries[0]!)
      await home.limits.putLimit(limitOf('lim_a'), entries[1]!)
      await home.limits.putLimit(limitOf('lim_b'), null)
      await home.reopen()
      await home.limits.removeLimit('lim_a', entries[2]!)
      await home.limits.note(entries[3]!)
      const all = await home.limits.audits({ limit: 1_000 })
      expect(all.map(({ number: _, ...entry }) => entry)).toEqual(entries.toReversed())
      const [newest] = await home.limits.audits({ limit: 1 })
      expect(newest).toEqual(all[0])
      expect(await home.limits.audits({ limit: 3, before: newest!.number })).toEqual(all.slice(1))
      expect(await home.limits.audits({ limit: 2, before: all.at(-1)!.number })).toEqual([])
    })

    it.each([{ limit: 0 }, { limit: 1_001 }, { limit: 1.5 }, { limit: 1, before: Number.NaN }])(
      'refuses to be asked for %o',
      async query => {
        await expect(home.limits.audits(query)).rejects.toThrow(RangeError)
      },
    )
  })
}
