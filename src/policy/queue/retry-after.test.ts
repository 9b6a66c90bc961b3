import { describe, expect, it } from 'vitest'
import { retryAfterMs } from './retry-after.ts'

describe('a caller that the queue refused is told to ask again', () => {
  it.each([
    ['when those who wait and one more will have started', { freed: 20, overMs: 10_000, waiting: 39 }, 20_000],
    ['in whole seconds, later rather than sooner', { freed: 20, overMs: 10_000, waiting: 40 }, 21_000],
    ['in a second at the soonest', { freed: 5_000, overMs: 10_000, waiting: 3 }, 1_000],
    ['in a minute at the latest', { freed: 1, overMs: 10_000, waiting: 5_000 }, 60_000],
    ['as if a place came free now, where none did', { freed: 0, overMs: 4_000, waiting: 1 }, 8_000],
    ['in a second, where nothing is known yet', { freed: 0, overMs: 0, waiting: 100 }, 1_000],
  ])('%s', (_, pace, ms) => {
    expect(retryAfterMs(pace)).toBe(ms)
  })
})
