import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Queue } from './queue.ts'

it('a queue gives back what was put in, first in, first out, through any mix of steps', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1_500, max: 2_000 }), { maxLength: 12 }), steps => {
      const queue = new Queue<number>()
      const model: number[] = []
      let next = 0
      for (const step of steps) {
        for (let n = 0; n < step; n++) {
          queue.push(next)
          model.push(next++)
        }
        for (let n = 0; n > step; n--) {
          expect(queue.peek()).toBe(model[0])
          expect(queue.shift()).toBe(model.shift())
        }
        expect(queue.length).toBe(model.length)
      }
    }),
    { numRuns: 30 },
  )
})
