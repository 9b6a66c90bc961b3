import { calcPrice, type MatchLogic, type Provider, waitForUpdate } from '@pydantic/genai-prices'
import { describe, expect, it } from 'vitest'
import type { Usage } from '../../vocabulary/usage.ts'
import { readPriceBook } from './book.ts'
import { rate } from './rate.ts'
import { tariffFor } from './tariff.ts'

const providers = (await waitForUpdate()) as Provider[]
const book = readPriceBook(providers, { name: 'genai-prices', date: '2026-09-23' })
const TIMES = ['2025-01-01T03:00:00Z', '2026-08-20T12:00:00Z', '2026-10-01T08:00:00Z', '2027-02-01T20:00:00Z']

/** A name that a clause accepts. */
function exampleOf(clause: MatchLogic): string | null {
  if ('or' in clause) return exampleOf(clause.or[0]!)
  if ('equals' in clause) return clause.equals
  if ('starts_with' in clause) return clause.starts_with
  if ('contains' in clause) return clause.contains
  return null
}

/** An address that a provider's pattern accepts: its first alternatives, without what is optional. */
function addressOf({ api_pattern }: Provider): string | null {
  const plain = api_pattern
    .replace(/\((?:\?:)?\/\|\$\)/g, '')
    .replace(/\([^)]*\)\?/g, '')
    .replace(/\((?:\?:)?([^|)]*)\|[^)]*\)/g, '$1')
    .replaceAll('\\', '')
  return new RegExp(`^(?:${api_pattern})`).test(plain) ? plain : null
}

function* cases() {
  for (const provider of providers) {
    const baseUrl = addressOf(provider)
    if (baseUrl === null) continue
    for (const { match } of provider.models) {
      const model = exampleOf(match)
      if (model === null) continue
      for (const time of TIMES) yield { provider, baseUrl, model, at: new Date(time) }
    }
  }
}

const counts = { cacheWrite1hTokens: 0, reasoningTokens: 0, source: 'reported' } as const
const USAGES: readonly Usage[] = [
  { ...counts, inputTokens: 12_345, cachedInputTokens: 0, cacheWrite5mTokens: 0, outputTokens: 678 },
  { ...counts, inputTokens: 150_001, cachedInputTokens: 9_999, cacheWrite5mTokens: 0, outputTokens: 1 },
  { ...counts, inputTokens: 300_000, cachedInputTokens: 100_000, cacheWrite5mTokens: 50_000, outputTokens: 2_000 },
]

describe('our rating beside that of genai-prices', () => {
  it('agrees to a float, for every model, at every tier and time, wherever we rate', () => {
    let compared = 0
    for (const { provider, baseUrl, model, at } of cases()) {
      const tariff = tariffFor(book, { baseUrl, model })
      for (const usage of USAGES) {
        const { dollars } = rate(tariff, usage, at.getTime())
        if (dollars === null) continue
        const theirs = calcPrice(
          {
            input_tokens: usage.inputTokens,
            cache_read_tokens: usage.cachedInputTokens,
            cache_write_tokens: usage.cacheWrite5mTokens,
            output_tokens: usage.outputTokens,
          },
          model,
          { providerId: provider.id, timestamp: at },
        )
        expect(
          Math.abs(Number(dollars) / 1e9 - theirs!.total_price),
          `${provider.id} ${model} ${at.toISOString()}`,
        ).toBeLessThan(1e-8)
        compared += 1
      }
    }
    expect(compared).toBeGreaterThan(6_000)
  })
})
