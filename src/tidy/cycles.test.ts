import { expect, it } from 'vitest'
import { cyclesIn } from './cycles.ts'

it('finds a cycle and says how it closes', () => {
  expect(
    cyclesIn(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['b']],
      ]),
    ),
  ).toEqual(['b → c → b'])
})

it('finds none where there is none', () => {
  expect(
    cyclesIn(
      new Map([
        ['a', ['b', 'c']],
        ['b', ['c']],
      ]),
    ),
  ).toEqual([])
})
