import { describe, expect, it } from 'vitest'
import { amounts, atMost, bookOf, callOf, only, START } from './limits.fixture.ts'

const HOUR = 3_600_000
const ONE = [0, 0, 0, 0, 1, 1]

describe('a call that was taken out of a slice', () => {
  it.each([
    ['a day', { calendar: 'day' }, 24 * HOUR],
    ['the window of its slice', { anchored: '5h' }, 5 * HOUR],
    ['a sliding window', { sliding: '1h' }, HOUR],
  ])('just after the end of %s, frees no more than it took', (_, window, lengthMs) => {
    const book = bookOf({ scope: 'key:ci', unit: 'requests', amount: 1_000, window })
    const slice = book.slice(callOf(), atMost(amounts()), 2, START)
    if (slice === null || slice === 'unbound') throw new Error('expected a slice')
    const after = START + lengthMs + 1
    const hold = book.carve(slice, ONE, after)
    book.post(hold, { dollars: 0n, inputTokens: 0, outputTokens: 0 }, after)
    book.void(slice.hold, after)
    const { used, held } = only(book.view(callOf().caller, after))
    expect(used).toBeLessThanOrEqual(1)
    expect(held).toBe(0)
  })
})
