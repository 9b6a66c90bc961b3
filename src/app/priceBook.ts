import { type PriceBook, readPriceBook } from '../policy/pricing/book.ts'

/** The data that is installed, and when it was published; a test compares the version with the package's own. */
export const BOOK = { name: 'genai-prices 0.1.8', date: '2026-09-23' } as const

/**
 * The price book for upstreams at these URLs. Its data comes with the package and is not even loaded when nobody's
 * price is looked for in it.
 */
export async function openPriceBook(baseUrls: readonly string[]): Promise<PriceBook> {
  if (baseUrls.length === 0) return readPriceBook([], BOOK)
  const { waitForUpdate } = await import('@pydantic/genai-prices')
  return readPriceBook(await waitForUpdate(), BOOK)
}
