import { existsSync, readFileSync } from 'node:fs'
import { waitForUpdate } from '@pydantic/genai-prices'
import { describe, expect, it } from 'vitest'
import { formatDollars } from '../../units/money.ts'
import type { SpecialUsage, Usage } from '../../vocabulary/usage.ts'
import { type PriceBook, readPriceBook } from './book.ts'
import { linesOf, rate } from './rate.ts'
import { tariffFor } from './tariff.ts'

const NPM = { name: 'genai-prices 0.1.8', date: '2026-09-23' }
const book = readPriceBook(await waitForUpdate(), NPM)
const ANTHROPIC = 'https://api.anthropic.com/v1'
const OPENAI = 'https://api.openai.com/v1'
const GOOGLE = 'https://generativelanguage.googleapis.com/v1beta/openai'

function usage(counts: Partial<Usage>): Usage {
  return {
    inputTokens: 0,
    cachedInputTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    source: 'reported',
    ...counts,
  }
}

function dollars(
  of: { readonly baseUrl: string; readonly model: string; readonly at?: string; readonly from?: PriceBook },
  counts: Partial<Usage>,
): string | null {
  const rated = rate(tariffFor(of.from ?? book, of), usage(counts), Date.parse(of.at ?? '2026-10-01T00:00:00Z'))
  return rated.dollars === null ? null : formatDollars(rated.dollars)
}

/** Units and dollars of the lines that make up a bill. */
function bill(
  of: { readonly baseUrl: string; readonly model: string },
  counts: Partial<Usage>,
): Record<string, string> {
  const rated = rate(tariffFor(book, of), usage(counts), Date.parse('2026-10-01T00:00:00Z'))
  const lines = linesOf(usage(counts), rated.rate!)!
  return Object.fromEntries(lines.map(line => [line.unit, formatDollars(line.dollars)]))
}

// The figures were computed with @pydantic/genai-prices 0.1.8 and by hand, modifiers by hand from pydantic/genai-prices#429.
describe('a call to Claude Opus 5 with every kind of cache and three searches', () => {
  const opus = { baseUrl: ANTHROPIC, model: 'claude-opus-5' }
  const tokens = {
    inputTokens: 120_000,
    cachedInputTokens: 80_000,
    cacheWrite5mTokens: 20_000,
    cacheWrite1hTokens: 10_000,
    outputTokens: 6_000,
    reasoningTokens: 4_000,
  }
  const served = (special: SpecialUsage) => dollars(opus, { ...tokens, special: { webSearches: 3, ...special } })

  it('costs $0.495, line by line', () => {
    expect(served({})).toBe('0.495')
    expect(bill(opus, { ...tokens, special: { webSearches: 3 } })).toEqual({
      input: '0.05',
      cachedInput: '0.04',
      cacheWrite5m: '0.125',
      cacheWrite1h: '0.1',
      output: '0.15',
      webSearch: '0.03',
    })
  })

  it('costs half as a batch, its searches excepted', () => expect(served({ serviceTier: 'batch' })).toBe('0.2625'))

  it('costs a tenth more inside the US, its searches excepted', () => {
    expect(served({ inferenceGeo: 'us' })).toBe('0.5415')
  })

  it('costs twice as much in fast mode, its searches excepted', () => expect(served({ speed: 'fast' })).toBe('0.96'))
})

describe('a call with audio to gpt-realtime', () => {
  const realtime = { baseUrl: OPENAI, model: 'gpt-realtime' }
  const counts = {
    inputTokens: 5_000,
    cachedInputTokens: 1_500,
    outputTokens: 1_200,
    special: { inputAudioTokens: 4_000, cachedAudioTokens: 1_000, outputAudioTokens: 1_000 },
  }

  it('costs $0.1658, each modality at its own price', () => {
    expect(dollars(realtime, counts)).toBe('0.1658')
    expect(bill(realtime, counts)).toEqual({
      input: '0.002',
      cachedInput: '0.0002',
      output: '0.0032',
      inputAudio: '0.096',
      cachedAudio: '0.0004',
      outputAudio: '0.064',
    })
  })
})

describe('Gemini 2.5 Pro above 200,000 input tokens', () => {
  const gemini = { baseUrl: GOOGLE, model: 'gemini-2.5-pro' }

  it('prices the whole call at the upper tier, reasoning once, as output', () => {
    const counts = { inputTokens: 250_000, cachedInputTokens: 50_000, outputTokens: 1_000, reasoningTokens: 600 }
    expect(dollars(gemini, counts)).toBe('0.5275')
    expect(bill(gemini, counts)).toEqual({ input: '0.5', cachedInput: '0.0125', output: '0.015' })
  })

  it('begins with the 200,001st token', () => {
    expect(dollars(gemini, { inputTokens: 200_000 })).toBe('0.25')
    expect(dollars(gemini, { inputTokens: 200_001 })).toBe('0.5000025')
  })
})

describe('gpt-5.6-sol, whose prices changed on 2026-08-21', () => {
  const sol = { baseUrl: OPENAI, model: 'gpt-5.6-sol' }
  const counts = { inputTokens: 1_000, outputTokens: 10 }

  it('costs the old price until midnight UTC and the new one from then on', () => {
    expect(dollars({ ...sol, at: '2026-08-20T23:59:59.999Z' }, counts)).toBe('0.0053')
    expect(dollars({ ...sol, at: '2026-08-21T00:00:00Z' }, counts)).toBe('0.0042')
  })

  it('reaches its upper tier at 272,000 input tokens', () => {
    expect(dollars({ ...sol, at: '2026-08-21T00:00:00Z' }, { inputTokens: 271_999 })).toBe('1.087996')
    expect(dollars({ ...sol, at: '2026-08-21T00:00:00Z' }, { inputTokens: 272_000 })).toBe('2.176')
  })
})

describe('two books that disagree on Claude Sonnet 5', () => {
  const sonnet = { baseUrl: ANTHROPIC, model: 'claude-sonnet-5', at: '2026-09-02T00:00:00Z' }
  const counts = { inputTokens: 1_000, outputTokens: 1_000 }
  const file = new URL('../../../../shared/data/money/genai-prices-v2-data_slim.json', import.meta.url)
  const absent = !existsSync(file)

  it('give $0.012 by the package of 2026-09-23', () => expect(dollars(sonnet, counts)).toBe('0.012'))

  it.skipIf(absent)('give $0.018 by the repository of 2026-08-21 (skipped where ../shared/data is absent)', () => {
    const source = { name: 'genai-prices git', date: '2026-08-21' }
    const from = readPriceBook(JSON.parse(readFileSync(file, 'utf8')), source)
    expect(dollars({ ...sonnet, from }, counts)).toBe('0.018')
    const { rate: applied } = rate(tariffFor(from, sonnet), usage(counts), Date.parse(sonnet.at))
    expect(applied!.priceBook).toBe('genai-prices git, 2026-08-21: anthropic/claude-sonnet-5; from 2026-09-01')
  })
})
