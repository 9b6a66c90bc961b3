import type { Unit } from './flavour.ts'

/** Milliseconds since 1970-01-01T00:00:00Z, whole. */
export type EpochMs = Unit<number, 'epochMs'>

/** A length of time in milliseconds, fractions allowed. */
export type DurationMs = Unit<number, 'durationMs'>

/** Milliseconds on a clock that only goes forward and whose zero means nothing; for measuring lengths of time. */
export type MonotonicMs = Unit<number, 'monotonicMs'>

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Reads a duration as configuration and headers write it: `500ms`, `30s`, `5m`, `5h`, `7d`; decimals allowed (`1.5s`).
 *
 * @returns whole milliseconds, or null when the text is no duration
 */
export function parseDuration(text: string): DurationMs | null {
  const found = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text.trim())
  if (!found) return null
  return Math.round(Number(found[1]) * UNITS[found[2]!]!)
}

/** The longest time that one number of nine digits before its unit can say in milliseconds. */
const MAX_WRITTEN_MS = 999_999_999

/**
 * Writes a duration as `parseDuration` reads it, in the largest unit in which it is whole: `90s`, `5h`. Exact: what is
 * read back is what was written.
 *
 * @param duration whole milliseconds, from 0 to 999,999,999,999 (31 years)
 */
export function formatDuration(duration: DurationMs): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    if (duration > 0 && duration % UNITS[unit]! === 0) return `${duration / UNITS[unit]!}${unit}`
  }
  // Past nine digits of milliseconds, seconds with three decimals say the same.
  return duration <= MAX_WRITTEN_MS ? `${duration}ms` : `${duration / 1_000}s`
}

/** RFC 3339 in UTC with milliseconds. */
export function formatTime(at: EpochMs): string {
  return new Date(at).toISOString()
}
