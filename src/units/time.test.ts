import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from './time.ts'

describe('a duration as text', () => {
  it.each([
    ['500ms', 500],
    ['1.5s', 1_500],
    ['30s', 30_000],
    ['5h', 18_000_000],
    [' 7d ', 604_800_000],
    ['0s', 0],
  ])('%j is read exactly', (text, ms) => expect(parseDuration(text)).toBe(ms))

  it.each(['', 's', '5', '5 m', '-5m', '5M', '1.2345s', '1e3s', '9999999999s', '5m30s'])('%j is none', text =>
    expect(parseDuration(text)).toBeNull(),
  )

  it.each([
    [0, '0ms'],
    [1, '1ms'],
    [1_500, '1500ms'],
    [30_000, '30s'],
    [90_000, '90s'],
    [300_000, '5m'],
    [18_000_000, '5h'],
    [604_800_000, '7d'],
    [999_999_999, '999999999ms'],
    [1_000_000_001, '1000000.001s'],
    [999_999_999_999, '999999999.999s'],
  ])('%d milliseconds are written as %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

  it('says after writing what it said before', () => {
    const whole = fc.oneof(
      fc.integer({ min: 0, max: 999_999_999_999 }),
      fc.integer({ min: 0, max: 11_574 }).map(days => days * 86_400_000),
      fc.integer({ min: 0, max: 999_999_999 }).map(seconds => seconds * 1_000),
    )
    fc.assert(
      fc.property(whole, ms => {
        expect(parseDuration(formatDuration(ms))).toBe(ms)
      }),
    )
  })
})
