import { describe, expect, it } from 'vitest'
import type { Key } from '../vocabulary/caller.ts'
import { durably, type Ground } from './ground.contract.ts'
import { FIRST_DAY, plainCall } from './samples.contract.ts'

const key: Key = {
  name: 'ci',
  team: 'search',
  user: null,
  tags: { project: 'atlas' },
  models: ['fast'],
  tiers: ['batch', 'night'],
  secretHash: 'ab'.repeat(32),
  createdAt: FIRST_DAY,
  declared: false,
}

export function describeKeys(name: string, home: Ground): void {
  describe(`${name}: keys`, () => {
    it('are there at once when they were made, and after a reopening', async () => {
      expect(home.keys.keys()).toEqual([])
      expect(await home.keys.create(key)).toBe(true)
      expect(await home.keys.create({ ...key, name: 'all', models: null, tiers: null, tags: {}, team: null })).toBe(
        true,
      )
      expect(home.keys.keys()).toContainEqual(key)
      await home.reopen()
      expect([...home.keys.keys()].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
        { ...key, name: 'all', models: null, tiers: null, tags: {}, team: null },
        key,
      ])
    })

    it('are made once under one name, also at the same time', async () => {
      const made = await Promise.all([1, 2, 3].map(n => home.keys.create({ ...key, secretHash: `${n}` })))
      expect(made.filter(Boolean)).toHaveLength(1)
      expect(await home.keys.create(key)).toBe(false)
      expect(home.keys.keys()).toHaveLength(1)
    })

    it('are made and revoked among calls as well', async () => {
      await durably(home.ledger, plainCall(0))
      expect(await home.keys.create(key)).toBe(true)
      await durably(home.ledger, plainCall(1))
      expect(await home.keys.revoke(key.name)).toBe(true)
    })

    it('that are too large fail, and their name stays free', async () => {
      await expect(home.keys.create({ ...key, models: ['m'.repeat(1_000_000)] })).rejects.toThrow(/too many/)
      expect(home.keys.keys()).toEqual([])
      expect(await home.keys.create(key)).toBe(true)
    })

    it('are of no use from the moment they are revoked, and their name is free again', async () => {
      await home.keys.create(key)
      const revoking = home.keys.revoke(key.name)
      expect(home.keys.keys()).toEqual([])
      expect(await revoking).toBe(true)
      expect(await home.keys.revoke(key.name)).toBe(false)
      await home.reopen()
      expect(home.keys.keys()).toEqual([])
      expect(await home.keys.create(key)).toBe(true)
    })
  })
}
