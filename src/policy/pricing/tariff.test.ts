import { waitForUpdate } from '@pydantic/genai-prices'
import { describe, expect, it } from 'vitest'
import type { Usage } from '../../vocabulary/usage.ts'
import { readPriceBook } from './book.ts'
import { rate } from './rate.ts'
import { tariffFor, tariffFromOverride } from './tariff.ts'

const SOURCE = { name: 'a book', date: '2026-01-01' }

/** A book with one provider of these models. */
function bookOf(models: readonly unknown[], provider: object = {}) {
  return readPriceBook([{ id: 'maker', api_pattern: 'https://api\\.maker\\.test', models, ...provider }], SOURCE)
}

function priceOfOne(
  book: ReturnType<typeof bookOf>,
  model: string,
  { at = '2026-01-01T12:00:00Z', ...counts }: Partial<Usage> & { readonly at?: string } = {},
) {
  const usage: Usage = {
    inputTokens: 1_000_000,
    cachedInputTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    source: 'reported',
    ...counts,
  }
  const { dollars } = rate(tariffFor(book, { baseUrl: 'https://api.maker.test/v1', model }), usage, Date.parse(at))
  return dollars === null ? null : Number(dollars) / 1e9
}

const flat = (id: string, match: object, input: number) => ({
  id,
  match,
  prices: { input_mtok: input, output_mtok: 1 },
})

describe('finding a model', () => {
  const book = bookOf([
    flat('exact', { equals: 'Alpha' }, 1),
    flat('start', { starts_with: 'alpha-' }, 2),
    flat('end', { ends_with: '-LATEST' }, 3),
    flat('middle', { contains: 'beta' }, 4),
    flat('pattern', { regex: '^gamma-\\d+$' }, 5),
    flat('either', { or: [{ equals: 'delta' }, { equals: 'epsilon' }] }, 6),
    flat('both', { and: [{ starts_with: 'zeta' }, { contains: 'eta-9' }] }, 7),
    flat('dated', { equals: 'theta-2025-05-14' }, 8),
    flat('later', { starts_with: 'alpha-' }, 9),
  ])

  it.each([
    ['alpha', 1],
    ['ALPHA', 1],
    [' alpha ', 1],
    ['alpha-2', 2],
    ['new-latest', 3],
    ['x-beta-y', 4],
    ['gamma-12', 5],
    ['delta', 6],
    ['epsilon', 6],
    ['zeta-9', 7],
    ['theta-2025-05-14', 8],
    ['theta-20250514', 8],
  ])('%j has the prices of the first model whose clause it meets', (model, dollars) => {
    expect(priceOfOne(book, model)).toBe(dollars)
  })

  it.each(['omega', 'gamma-x', 'zeta-8', 'theta-20251399', ''])('%j is a model that nobody knows', model => {
    expect(tariffFor(book, { baseUrl: 'https://api.maker.test/v1', model })).toBeNull()
  })

  it.each(['https://api.other.test/v1', 'http://127.0.0.1:8000/v1', 'https://proxy.test/?to=https://api.maker.test'])(
    'at %s is a provider that nobody knows',
    baseUrl => expect(tariffFor(book, { baseUrl, model: 'alpha' })).toBeNull(),
  )

  it('gives one tariff, and so one rate, to all deployments of a model', () => {
    const of = { baseUrl: 'https://api.maker.test/v1', model: 'alpha-2' }
    expect(tariffFor(book, of)).toBe(tariffFor(book, { ...of, model: 'alpha-3' }))
  })

  it('asks the providers that one falls back to, without their modifiers', () => {
    const maker = {
      id: 'anthropic',
      api_pattern: 'https://api\\.maker\\.test',
      models: [flat('m', { equals: 'm' }, 3)],
    }
    const seller = {
      id: 'seller',
      api_pattern: 'https://sells\\.test',
      models: [],
      fallback_model_providers: ['anthropic'],
    }
    const market = readPriceBook([seller, maker], SOURCE)
    const usage = { inputTokens: 1_000_000, cachedInputTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 }
    const whole: Usage = { ...usage, outputTokens: 0, reasoningTokens: 0, source: 'reported' }
    const batch: Usage = { ...whole, special: { serviceTier: 'batch' } }
    const sold = tariffFor(market, { baseUrl: 'https://sells.test/v1', model: 'm' })
    const made = tariffFor(market, { baseUrl: 'https://api.maker.test/v1', model: 'm' })
    expect(rate(sold, whole, 0)).toMatchObject({
      dollars: 3_000_000_000n,
      rate: { priceBook: 'a book, 2026-01-01: anthropic/m' },
    })
    expect(rate(made, batch, 0).dollars).toBe(1_500_000_000n)
    expect(rate(sold, batch, 0).dollars).toBeNull()
  })
})

describe('when prices apply', () => {
  const dated = (prices: unknown) => bookOf([{ id: 'm', match: { equals: 'm' }, prices }])
  const from = (start_date: string, input_mtok: number) => ({ constraint: { start_date }, prices: { input_mtok } })

  it('changes at midnight UTC of a start date', () => {
    const book = dated([{ prices: { input_mtok: 1 } }, from('2026-03-01', 2), from('2026-06-01', 3)])
    expect(priceOfOne(book, 'm', { at: '2026-02-28T23:59:59.999Z' })).toBe(1)
    expect(priceOfOne(book, 'm', { at: '2026-03-01T00:00:00Z' })).toBe(2)
    expect(priceOfOne(book, 'm', { at: '2026-12-01T00:00:00Z' })).toBe(3)
  })

  it.each([
    ['12:30:00Z', '16:30:00Z', ['12:29:59Z', 1], ['12:30:00Z', 2], ['16:29:59Z', 2], ['16:30:00Z', 1]],
    ['22:00:00Z', '02:00:00Z', ['21:59:59Z', 1], ['23:00:00Z', 2], ['01:59:59Z', 2], ['02:00:00Z', 1]],
  ] as const)('follows the time of day from %s to %s', (start_time, end_time, ...cases) => {
    const book = dated([
      { prices: { input_mtok: 1 } },
      { constraint: { start_time, end_time }, prices: { input_mtok: 2 } },
    ])
    for (const [time, dollars] of cases) expect(priceOfOne(book, 'm', { at: `2026-05-05T${time}` })).toBe(dollars)
  })

  it('takes the first prices when none of the conditions holds', () => {
    const book = dated([from('2026-03-01', 1), from('2026-06-01', 2)])
    expect(priceOfOne(book, 'm', { at: '2020-01-01T00:00:00Z' })).toBe(1)
  })
})

describe('what a book does not tell in terms of ours', () => {
  const only = (prices: unknown) => priceOfOne(bookOf([{ id: 'm', match: { equals: 'm' }, prices }]), 'm')

  it.each([
    ['no prices', {}],
    ['a fee per request', { input_mtok: 1, requests_kcount: 5 }],
    ['citations', { input_mtok: 1, output_citation_mtok: 2 }],
    ['a price that is no number', { input_mtok: '1' }],
    ['a negative price', { input_mtok: -1 }],
    ['a tier without a start', { input_mtok: { base: 1, tiers: [{ price: 2 }] } }],
    [
      'a condition of a new kind',
      [{ prices: { input_mtok: 1 } }, { constraint: { region: 'us' }, prices: { input_mtok: 2 } }],
    ],
    [
      'no such day',
      [{ prices: { input_mtok: 1 } }, { constraint: { start_date: '2026-13-01' }, prices: { input_mtok: 2 } }],
    ],
    ['prices that are no object', 7],
    ['an empty list', []],
  ])('%s: is unknown, not guessed', (_, prices) => expect(only(prices)).toBeNull())

  it('leaves a model without prices in its place, so that no wider clause takes its calls', () => {
    const book = bookOf([{ id: 'm', match: { equals: 'm' }, prices: {} }, flat('wide', { contains: 'm' }, 9)])
    expect(priceOfOne(book, 'm')).toBeNull()
    expect(priceOfOne(book, 'mm')).toBe(9)
  })

  it('leaves output unrated whose reasoning has a price of its own, but only when there was reasoning', () => {
    const prices = { input_mtok: 1, output_mtok: 8, output_reasoning_mtok: 3 }
    const book = bookOf([{ id: 'm', match: { equals: 'm' }, prices }])
    expect(priceOfOne(book, 'm', { outputTokens: 1_000_000 })).toBe(9)
    expect(priceOfOne(book, 'm', { outputTokens: 1_000_000, reasoningTokens: 1 })).toBeNull()
  })

  it.each([null, {}, 'prices', [7], [{ id: 'x' }], [{ id: 'x', api_pattern: 'y', models: {} }]])(
    'is no book at all: %j',
    data => expect(() => readPriceBook(data, SOURCE)).toThrow(TypeError),
  )
})

describe('prices of the configuration', () => {
  it('never change and have the name that they were given', () => {
    const tariff = tariffFromOverride({ input: '0.100', output: '0.40' }, 'prices')
    expect(tariff.ordinaryCard(0, 1).rate).toEqual({ perMillion: { input: '0.1', output: '0.4' }, priceBook: 'prices' })
    expect(tariff.ordinaryCard(1e13, 1e9)).toBe(tariff.ordinaryCard(0, 1))
  })

  it.each(['-1', 'free', '', '1,5'])('refuses %j', input => {
    expect(() => tariffFromOverride({ input }, 'prices')).toThrow(RangeError)
  })
})

describe('the public book', async () => {
  const book = readPriceBook(await waitForUpdate(), SOURCE)

  it.each([
    ['https://api.openai.com/v1', 'gpt-5-mini'],
    ['https://api.openai.com/v1', 'gpt-4o-2024-08-06'],
    ['https://api.openai.com/v1', 'text-embedding-3-small'],
    ['https://api.anthropic.com/v1', 'claude-sonnet-4-5-20250929'],
    ['https://api.anthropic.com', 'claude-haiku-4-5'],
    ['https://generativelanguage.googleapis.com/v1beta/openai', 'gemini-2.5-flash'],
    ['https://api.deepseek.com/v1', 'deepseek-chat'],
    ['https://openrouter.ai/api/v1', 'anthropic/claude-sonnet-4.5'],
    ['https://team.openai.azure.com/openai/v1', 'gpt-4o'],
    ['https://api.groq.com/openai/v1', 'llama-3.1-8b-instant'],
  ])('knows %s %s', (baseUrl, model) => {
    const tariff = tariffFor(book, { baseUrl, model })
    expect(tariff?.ordinaryCard(Date.UTC(2026, 9, 1), 1).input).not.toBeNull()
  })

  it('reads every provider and all but a few models', () => {
    const models = book.providers.flatMap(provider => provider.models())
    const priced = models.filter(model => model.periods.some(({ prices }) => prices.input !== undefined))
    expect(book.providers.length).toBeGreaterThan(30)
    expect(priced.length / models.length).toBeGreaterThan(0.85)
  })
})
