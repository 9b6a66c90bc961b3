import { describe, expect, it } from 'vitest'
import { capsOf } from './caps.ts'

const BUDGET = 'x-penstock-run-budget'
const MAX = 'x-penstock-max-dollars'
const DEADLINE = 'x-penstock-deadline'

/** What may stand in either header, and the nano-dollars that it says. */
const READABLE: readonly (readonly [string, bigint])[] = [
  ['0', 0n],
  ['0.50', 500_000_000n],
  ['12', 12_000_000_000n],
  ['0.000000001', 1n],
  ['0.0000000010', 1n],
  [' 2.5 ', 2_500_000_000n],
]
const UNREADABLE = ['', 'abc', '-1', '+1', '1e3', '.5', '5.', '0,50', '$1', '0.0000000001', '0.5, 0.5', 'NaN', '0x1']

describe('the bounds that a caller sets for itself', () => {
  it('are none where it names none', () => {
    expect(capsOf({}, 'r1')).toEqual({ runBudget: null, maxDollars: null, deadlineMs: null })
  })

  it.each(READABLE)('are read from %j exactly', (text, dollars) => {
    expect(capsOf({ [BUDGET]: text }, 'r1')).toEqual({ runBudget: dollars, maxDollars: null, deadlineMs: null })
    expect(capsOf({ [MAX]: text }, null)).toEqual({ runBudget: null, maxDollars: dollars, deadlineMs: null })
  })

  it.each(UNREADABLE)('are a fault that names the header when they are %j', text => {
    expect(capsOf({ [BUDGET]: text }, 'r1')).toEqual({ fault: expect.stringMatching(`^${BUDGET}: expected dollars`) })
    expect(capsOf({ [MAX]: text }, null)).toEqual({ fault: expect.stringMatching(`^${MAX}: expected dollars`) })
  })

  it.each([
    ['500ms', 500],
    ['20s', 20_000],
    [' 1.5s ', 1_500],
    ['5m', 300_000],
    ['0s', 0],
  ])('take a deadline of %j for %i ms', (text, deadlineMs) => {
    expect(capsOf({ [DEADLINE]: text }, null)).toEqual({ runBudget: null, maxDollars: null, deadlineMs })
  })

  it.each(['', 'soon', '20', '-1s', '+1s', '1e3ms', '20 s', '20s, 20s', 'null', '2026-01-01T00:00:00Z', '∞'])(
    'are a fault for a deadline of %j',
    text => {
      expect(capsOf({ [DEADLINE]: text }, null)).toEqual({
        fault: expect.stringMatching(`^${DEADLINE}: expected a duration such as 500ms, 20s or 5m; got `),
      })
    },
  )

  it('are a fault where a budget has no run', () => {
    expect(capsOf({ [BUDGET]: '1' }, null)).toEqual({ fault: expect.stringContaining('x-penstock-run beside it') })
  })
})
