import { NO_AMOUNT } from './ring.ts'

const MAX_AMOUNT = (1n << 63n) - 1n

/** A whole number that a column of integers takes; 0 for NaN, which is how the ring says that there is none. */
export function toWhole(value: number): number {
  if (Number.isSafeInteger(value)) return value
  if (Number.isNaN(value)) return 0
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Math.round(value)))
}

/** Microseconds, whole: what the ledger keeps of a duration, so that it always shows the same three decimals. NaN for none. */
export function toMicroseconds(durationMs: number | null): number {
  return durationMs === null ? Number.NaN : toWhole(Math.round(durationMs * 1_000))
}

/** Exact below 2^63 in size. The least of all integers stands for no amount, so the range is the same both ways. */
export function toAmount(dollars: bigint | null): bigint {
  if (dollars === null) return NO_AMOUNT
  if (dollars > MAX_AMOUNT) return MAX_AMOUNT
  return dollars < -MAX_AMOUNT ? -MAX_AMOUNT : dollars
}

/** A number of the ring as a column takes it: there NaN says that there is none. */
export function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value
}
