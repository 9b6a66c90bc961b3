import type { SpecialUsage } from '../../vocabulary/usage.ts'

/** A JSON object of which nothing is known. */
export type Report = Readonly<Record<string, unknown>>

/** The value as an object; null for everything else, arrays included. */
export function objectIn(value: unknown): Report | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Report) : null
}

/** In place of a count that is none; it makes the whole report useless. */
const UNSOUND = -1

/** More than any upstream can have read or written; a count beyond is a fault of its report, and must not be billed. */
export const MAX_REPORTED_TOKENS = 10_000_000_000_000

/** A count that must be there: whole, zero or more, within reason; negative for anything else. */
export function required(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) > MAX_REPORTED_TOKENS) return UNSOUND
  return (value as number) >= 0 ? (value as number) : UNSOUND
}

/** A count that need not be there: 0 when absent or null. */
export function optional(value: unknown): number {
  return value === undefined || value === null ? 0 : required(value)
}

/** The circumstances that do not change any price, as the providers name them. */
const ORDINARY: ReadonlySet<string> = new Set([
  '',
  'standard',
  'default',
  'auto',
  'on_demand',
  'global',
  'not_available',
])

/** The name of a circumstance that may change a price; undefined for the ordinary one. */
export function circumstance(value: unknown): string | undefined {
  return typeof value === 'string' && !ORDINARY.has(value) ? value : undefined
}

/** The parts that say anything; undefined when none does, as with nearly every call. */
export function specialOf(parts: { [Name in keyof SpecialUsage]: SpecialUsage[Name] }): SpecialUsage | undefined {
  const said = Object.entries(parts).filter(([, value]) => value !== undefined && value !== 0)
  return said.length === 0 ? undefined : Object.fromEntries(said)
}
