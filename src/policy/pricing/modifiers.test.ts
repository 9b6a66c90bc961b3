import { waitForUpdate } from '@pydantic/genai-prices'
import { describe, expect, it } from 'vitest'
import type { SpecialUsage, Usage } from '../../vocabulary/usage.ts'
import { readPriceBook } from './book.ts'
import { rate } from './rate.ts'
import { tariffFor, tariffFromOverride } from './tariff.ts'

const book = readPriceBook(await waitForUpdate(), { name: 'genai-prices 0.1.8', date: '2026-09-23' })
const AT = Date.UTC(2026, 9, 1)
const HOSTS = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta/openai',
}

function usage(special: SpecialUsage | undefined, inputTokens = 1_000): Usage {
  const none = {
    cachedInputTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
  }
  return { ...none, inputTokens, source: 'reported', special }
}

function perMillion(host: keyof typeof HOSTS, model: string, special: SpecialUsage, inputTokens?: number) {
  const tariff = tariffFor(book, { baseUrl: HOSTS[host], model })
  return rate(tariff, usage(special, inputTokens), AT).rate?.perMillion ?? null
}

describe('published modifiers', () => {
  // openai.com/api-priority-processing, developers.openai.com and platform.claude.com, 2026.
  it.each([
    ['openai', 'gpt-5.5', { serviceTier: 'priority' }, ['12.5', '1.25', '75']],
    ['openai', 'gpt-5.4-mini', { serviceTier: 'priority' }, ['1.5', '0.15', '9']],
    ['openai', 'gpt-5.4', { serviceTier: 'priority' }, ['5', '0.5', '30']],
    ['openai', 'gpt-5.2', { serviceTier: 'priority' }, ['3.5', '0.35', '28']],
    ['openai', 'gpt-5', { serviceTier: 'priority' }, ['2.5', '0.25', '20']],
    ['openai', 'gpt-5-mini', { serviceTier: 'priority' }, ['0.45', '0.045', '3.6']],
    ['openai', 'gpt-4.1', { serviceTier: 'priority' }, ['3.5', '0.875', '14']],
    ['openai', 'gpt-4.1-mini', { serviceTier: 'priority' }, ['0.7', '0.175', '2.8']],
    ['openai', 'gpt-4.1-nano', { serviceTier: 'priority' }, ['0.2', '0.05', '0.8']],
    ['openai', 'gpt-4o', { serviceTier: 'priority' }, ['4.25', '2.125', '17']],
    ['openai', 'gpt-4o-mini', { serviceTier: 'priority' }, ['0.25', '0.125', '1']],
    ['openai', 'gpt-4o-2024-05-13', { serviceTier: 'priority' }, ['8.75', undefined, '26.25']],
    ['openai', 'o4-mini', { serviceTier: 'priority' }, ['2', '0.5', '8']],
    ['openai', 'gpt-5.6-sol', { serviceTier: 'fast' }, ['8', '0.8', '40']],
    ['openai', 'gpt-5', { serviceTier: 'flex' }, ['0.625', '0.0625', '5']],
    ['anthropic', 'claude-opus-4-6', { speed: 'fast' }, ['30', '3', '150']],
    ['anthropic', 'claude-opus-4-8', { speed: 'fast' }, ['10', '1', '50']],
    ['anthropic', 'claude-opus-4-8', { speed: 'fast', inferenceGeo: 'us' }, ['11', '1.1', '55']],
    ['anthropic', 'claude-sonnet-4-6', { serviceTier: 'batch', inferenceGeo: 'us' }, ['1.65', '0.165', '8.25']],
    ['google', 'gemini-2.5-flash', { serviceTier: 'flex' }, ['0.15', '0.015', '1.25']],
  ] as const)('%s %s %j: input, cached and output', (host, model, special, [input, cachedInput, output]) => {
    const prices = perMillion(host, model, special)
    expect([prices?.input, prices?.cachedInput, prices?.output]).toEqual([input, cachedInput, output])
  })

  it('are named in the price book of the rate, with their source', () => {
    const tariff = tariffFor(book, { baseUrl: HOSTS.openai, model: 'gpt-5' })
    expect(rate(tariff, usage({ serviceTier: 'flex' }), AT).rate!.priceBook).toBe(
      'genai-prices 0.1.8, 2026-09-23: openai/gpt-5; serviceTier flex x1/2 (developers.openai.com pricing as of 2026-08-27)',
    )
  })
})

describe('circumstances', () => {
  it.each([
    { serviceTier: 'default' },
    { serviceTier: 'standard' },
    { serviceTier: 'auto', speed: 'standard', inferenceGeo: 'global' },
    { inferenceGeo: 'not_available', serviceTier: '' },
    {},
  ])('%j change nothing, not even the rate', special => {
    const tariff = tariffFor(book, { baseUrl: HOSTS.anthropic, model: 'claude-opus-5' })
    expect(rate(tariff, usage(special), AT).rate).toBe(rate(tariff, usage(undefined), AT).rate)
  })

  it.each([
    ['anthropic', 'claude-opus-5', { serviceTier: 'priority' }],
    ['anthropic', 'claude-opus-5', { inferenceGeo: 'eu' }],
    ['anthropic', 'claude-opus-5', { speed: 'ludicrous' }],
    ['anthropic', 'claude-haiku-4-5', { speed: 'fast' }],
    ['anthropic', 'claude-opus-5', { speed: 'fast', serviceTier: 'batch' }],
    ['openai', 'gpt-5', { serviceTier: 'scale' }],
    ['openai', 'gpt-5-nano', { serviceTier: 'priority' }],
    ['openai', 'gpt-5', { inferenceGeo: 'us' }],
    ['google', 'gemini-2.5-flash', { serviceTier: 'priority' }],
  ] as const)('%s %s %j without a published price are unrated', (host, model, special) => {
    expect(perMillion(host, model, special)).toBeNull()
  })

  it('of priority end where the context becomes long', () => {
    expect(perMillion('openai', 'gpt-5.4', { serviceTier: 'priority' }, 271_999)).not.toBeNull()
    expect(perMillion('openai', 'gpt-5.4', { serviceTier: 'priority' }, 272_000)).toBeNull()
    expect(perMillion('openai', 'gpt-5.4', { serviceTier: 'flex' }, 272_000)).toMatchObject({ input: '2.5' })
  })

  it('are unrated under prices of the configuration, unless neutral', () => {
    const tariff = tariffFromOverride({ input: '1', output: '2' }, 'prices')
    expect(rate(tariff, usage({ serviceTier: 'flex' }), AT).dollars).toBeNull()
    expect(rate(tariff, usage({ serviceTier: 'default' }), AT).dollars).toBe(1_000_000n)
  })

  it('give out each rate once', () => {
    const tariff = tariffFor(book, { baseUrl: HOSTS.anthropic, model: 'claude-opus-5' })
    const batch = rate(tariff, usage({ serviceTier: 'batch' }), AT).rate
    expect(rate(tariff, usage({ serviceTier: 'batch', speed: 'standard' }, 9), AT + 1).rate).toBe(batch)
    expect(rate(tariff, usage({ inferenceGeo: 'us' }), AT).rate).not.toBe(batch)
  })
})
