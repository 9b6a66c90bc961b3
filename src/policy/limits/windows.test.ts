import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calendarPeriod, cyclePeriod } from './calendar.ts'
import { WindowClock } from './windows.ts'

const iso = ({ start, end }: { start: number; end: number }) => [start, end].map(at => new Date(at).toISOString())
const DAY_MS = 86_400_000
const ZONES = ['UTC', 'America/New_York', 'Pacific/Auckland', 'Asia/Kolkata', 'America/St_Johns', 'Africa/Cairo']
const moment = fc.integer({ min: Date.UTC(2012, 0), max: Date.UTC(2040, 0) })

describe('a day of the calendar', () => {
  it.each([
    ['an ordinary one', 'UTC', '2026-05-05T23:59:59.999Z', '2026-05-05T00:00:00.000Z', '2026-05-06T00:00:00.000Z'],
    [
      'one of 23 hours',
      'America/New_York',
      '2026-03-08T12:00:00Z',
      '2026-03-08T05:00:00.000Z',
      '2026-03-09T04:00:00.000Z',
    ],
    [
      'one of 25 hours',
      'America/New_York',
      '2026-11-01T12:00:00Z',
      '2026-11-01T04:00:00.000Z',
      '2026-11-02T05:00:00.000Z',
    ],
    [
      'one ahead of UTC',
      'Pacific/Auckland',
      '2026-06-30T12:00:00Z',
      '2026-06-30T12:00:00.000Z',
      '2026-07-01T12:00:00.000Z',
    ],
    [
      'one off by half an hour',
      'Asia/Kolkata',
      '2026-06-30T12:00:00Z',
      '2026-06-29T18:30:00.000Z',
      '2026-06-30T18:30:00.000Z',
    ],
    // The clock is put forward at midnight: the day starts at one.
    [
      'one without a midnight',
      'Africa/Cairo',
      '2024-04-26T12:00:00Z',
      '2024-04-25T22:00:00.000Z',
      '2024-04-26T21:00:00.000Z',
    ],
    // Samoa crossed the date line: there was no 30th of December.
    [
      'one before a skipped one',
      'Pacific/Apia',
      '2011-12-30T09:00:00Z',
      '2011-12-29T10:00:00.000Z',
      '2011-12-30T10:00:00.000Z',
    ],
    [
      'one after a skipped one',
      'Pacific/Apia',
      '2011-12-30T10:00:00Z',
      '2011-12-30T10:00:00.000Z',
      '2011-12-31T10:00:00.000Z',
    ],
  ])('is found to the millisecond: %s', (_, timezone, at, start, end) => {
    expect(iso(calendarPeriod('day', timezone, Date.parse(at)))).toEqual([start, end])
  })
})

describe('weeks and months of the calendar', () => {
  it.each([
    ['week', 'UTC', '2026-11-22T23:59:59.999Z', '2026-11-16T00:00:00.000Z', '2026-11-23T00:00:00.000Z'],
    ['week', 'UTC', '1969-12-31T00:00:00Z', '1969-12-29T00:00:00.000Z', '1970-01-05T00:00:00.000Z'],
    ['week', 'America/New_York', '2026-11-02T04:59:59.999Z', '2026-10-26T04:00:00.000Z', '2026-11-02T05:00:00.000Z'],
    ['month', 'UTC', '2024-02-29T12:00:00Z', '2024-02-01T00:00:00.000Z', '2024-03-01T00:00:00.000Z'],
    ['month', 'America/New_York', '2026-12-31T23:00:00Z', '2026-12-01T05:00:00.000Z', '2027-01-01T05:00:00.000Z'],
    ['month', 'Pacific/Auckland', '2026-12-31T11:00:00Z', '2026-12-31T11:00:00.000Z', '2027-01-31T11:00:00.000Z'],
  ] as const)('a %s in %s at %s is found', (period, timezone, at, start, end) => {
    expect(iso(calendarPeriod(period, timezone, Date.parse(at)))).toEqual([start, end])
  })

  it('follow one another without gap or overlap, and hold the moment they were asked for', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('day', 'week', 'month'),
        fc.constantFrom(...ZONES),
        moment,
        (period, timezone, at) => {
          const { start, end } = calendarPeriod(period, timezone, at)
          expect(start <= at && at < end).toBe(true)
          expect(calendarPeriod(period, timezone, end).start).toBe(end)
          expect(calendarPeriod(period, timezone, end - 1)).toEqual({ start, end })
          expect(calendarPeriod(period, timezone, start)).toEqual({ start, end })
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('a billing cycle', () => {
  it.each([
    ['2024-01-31', '2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z', '2024-03-31T00:00:00.000Z'],
    ['2024-01-31', '2024-02-28T23:59:59.999Z', '2024-01-31T00:00:00.000Z', '2024-02-29T00:00:00.000Z'],
    ['2024-01-31', '2026-04-30T00:00:00Z', '2026-04-30T00:00:00.000Z', '2026-05-31T00:00:00.000Z'],
    ['2024-02-29', '2025-02-28T00:00:00Z', '2025-02-28T00:00:00.000Z', '2025-03-29T00:00:00.000Z'],
    ['2023-12-30', '2024-02-29T12:00:00Z', '2024-02-29T00:00:00.000Z', '2024-03-30T00:00:00.000Z'],
    ['2024-05-15', '2024-05-14T00:00:00Z', '2024-04-15T00:00:00.000Z', '2024-05-15T00:00:00.000Z'],
  ])('from %s at %s is the month of its day, or of the last day there is', (from, at, start, end) => {
    expect(iso(cyclePeriod(Date.parse(from), Date.parse(at)))).toEqual([start, end])
  })

  it('never drifts: months follow one another, 28 to 31 days long, for ever on the day it began or the last there is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000 }), moment, (days, at) => {
        const from = Date.UTC(2020, 0) + days * DAY_MS
        const { start, end } = cyclePeriod(from, at)
        expect(start <= at && at < end).toBe(true)
        expect((end - start) / DAY_MS).toBeGreaterThanOrEqual(28)
        expect((end - start) / DAY_MS).toBeLessThanOrEqual(31)
        expect(cyclePeriod(from, end).start).toBe(end)
        const [wanted, day] = [new Date(from).getUTCDate(), new Date(start).getUTCDate()]
        const isLast = new Date(start + DAY_MS).getUTCDate() === 1
        expect(day === wanted || (day < wanted && isLast)).toBe(true)
      }),
    )
  })
})

describe('the clock of a window', () => {
  it('tells the period of any moment, whatever it was asked before', () => {
    const clock = new WindowClock({ kind: 'calendar', period: 'day', timezone: 'America/New_York', form: 'total' })
    fc.assert(
      fc.property(fc.array(moment, { minLength: 1, maxLength: 5 }), moments => {
        for (const at of moments) expect(clock.periodAt(at)).toEqual(calendarPeriod('day', 'America/New_York', at))
      }),
      { numRuns: 30 },
    )
  })
})
