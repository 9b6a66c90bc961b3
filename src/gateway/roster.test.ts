import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Roster } from './roster.ts'

it('a roster holds what a set would, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 9 }))), steps => {
      const items = Array.from({ length: 10 }, () => ({ seat: -1 }))
      const roster = new Roster<{ seat: number }>()
      const set = new Set<{ seat: number }>()
      for (const [add, which] of steps) {
        const item = items[which]!
        if (add && !set.has(item)) roster.add(item)
        else if (!add) roster.delete(item)
        if (add) set.add(item)
        else set.delete(item)
        expect(roster.size).toBe(set.size)
        expect(new Set(roster.all())).toEqual(set)
      }
    }),
  )
})
