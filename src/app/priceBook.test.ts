import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { tariffFor } from '../policy/pricing/tariff.ts'
import { BOOK, openPriceBook } from './priceBook.ts'

it('the book is named after the data that is installed', () => {
  const manifest = new URL('../../node_modules/@pydantic/genai-prices/package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  expect(BOOK.name).toBe(`genai-prices ${version}`)
})

it.each([
  ['https://api.openai.com/v1', 'gpt-5-mini'],
  ['https://api.anthropic.com/v1', 'claude-sonnet-4-5'],
])('the book knows %s and its %s', async (baseUrl, model) => {
  const book = await openPriceBook([baseUrl])
  expect(tariffFor(book, { baseUrl, model })).not.toBeNull()
})

it('an upstream that nobody knows has no price', async () => {
  const baseUrl = 'http://10.0.0.1:8000/v1'
  expect(tariffFor(await openPriceBook([baseUrl]), { baseUrl, model: 'gpt-5-mini' })).toBeNull()
})
