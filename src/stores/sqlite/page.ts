/** Receipts or entries of the audit in one page, at most. */
export const MAX_PAGE = 1_000

/** @throws RangeError for a page of no size or too large */
export function checkPageSize(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw new RangeError(`limit: expected a whole number from 1 to ${MAX_PAGE}, got ${limit}`)
  }
}
