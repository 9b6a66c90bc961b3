/** A whole number that a column of integers takes; 0 for NaN, which is how the ring says that there is none. */
export function toWhole(value: number): number {
  if (Number.isSafeInteger(value)) return value
  if (Number.isNaN(value)) return 0
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Math.round(value)))
}
