import type { EpochMs } from '../../units/time.ts'
import type { CalendarPeriod } from '../../vocabulary/limit.ts'

/** A stretch of time, its end not in it. */
export interface Period {
  readonly start: EpochMs
  readonly end: EpochMs
}

const DAY_MS = 86_400_000
/** No time zone was ever further from UTC than this. */
const FARTHEST_OFFSET_MS = 16 * 3_600_000
/** 1970-01-01 was a Thursday, the fourth day of a week that starts on Monday. */
const EPOCH_WEEKDAY = 3

/** Making a formatter costs fifty times what using it costs; there are no more of them than time zones in use. */
const formatters = new Map<string, Intl.DateTimeFormat>()

function formatterOf(timezone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timezone)
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
    })
    formatters.set(timezone, formatter)
  }
  return formatter
}

/** The date on the wall of a time zone, as days since 1970-01-01. */
function localDay(timezone: string, at: EpochMs): number {
  const parts = { year: 0, month: 0, day: 0 }
  for (const { type, value } of formatterOf(timezone).formatToParts(at)) {
    if (type === 'year' || type === 'month' || type === 'day') parts[type] = Number(value)
  }
  return Date.UTC(parts.year, parts.month - 1, parts.day) / DAY_MS
}

/**
 * The first millisecond of a date: midnight, or when the clock is put forward over midnight, the moment it is. Found by
 * bisection, since only the local date of a given moment can be asked for.
 */
function startOfDay(timezone: string, day: number): EpochMs {
  // Most limits are of UTC, where the search would cost twenty times as much as this look.
  const midnight = day * DAY_MS
  if (localDay(timezone, midnight) === day && localDay(timezone, midnight - 1) < day) return midnight
  let before = day * DAY_MS - FARTHEST_OFFSET_MS
  let after = day * DAY_MS + FARTHEST_OFFSET_MS
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (localDay(timezone, middle) < day) before = middle
    else after = middle
  }
  return after
}

function daysOf(period: CalendarPeriod, day: number): readonly [first: number, next: number] {
  if (period === 'day') return [day, day + 1]
  if (period === 'week') {
    const monday = day - ((((day + EPOCH_WEEKDAY) % 7) + 7) % 7)
    return [monday, monday + 7]
  }
  const date = new Date(day * DAY_MS)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  return [Date.UTC(year, month, 1) / DAY_MS, Date.UTC(year, month + 1, 1) / DAY_MS]
}

/** The day, week (from Monday) or month of a time zone in which a moment lies. */
export function calendarPeriod(period: CalendarPeriod, timezone: string, at: EpochMs): Period {
  const [first, next] = daysOf(period, localDay(timezone, at))
  return { start: startOfDay(timezone, first), end: startOfDay(timezone, next) }
}

/** Whole months after a date, at midnight UTC; a month without that day has it on its last. */
function monthsAfter(from: EpochMs, months: number): EpochMs {
  const date = new Date(from)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + months]
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  return Date.UTC(year, month, Math.min(date.getUTCDate(), lastDay))
}

/** The month of a billing cycle in which a moment lies. Every start is reckoned from `from`, so that none drifts. */
export function cyclePeriod(from: EpochMs, at: EpochMs): Period {
  const [first, date] = [new Date(from), new Date(at)]
  let months = (date.getUTCFullYear() - first.getUTCFullYear()) * 12 + date.getUTCMonth() - first.getUTCMonth()
  if (monthsAfter(from, months) > at) months -= 1
  return { start: monthsAfter(from, months), end: monthsAfter(from, months + 1) }
}
