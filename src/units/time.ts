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

/** RFC 3339 in UTC with milliseconds. */
export function formatTime(at: EpochMs): string {
  return new Date(at).toISOString()
}
