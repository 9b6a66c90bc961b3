import { describe, expect, it } from 'vitest'
import type { LimitUnit, LimitView } from '../../vocabulary/limit.ts'
import { rateLimitHeaders } from './rate-limits.ts'

const NOW = Date.parse('2026-01-02T03:04:05.000Z')

function view(unit: LimitUnit, over: Partial<LimitView> = {}): LimitView {
  const taken = { amount: 60, used: 20, held: 10, left: 30, resetsAt: NOW + 6_000 }
  return { limit: 'lim_0', scope: 'key:ci', unit, window: { sliding: '1m' }, ...taken, ...over }
}

/** Unit, what OpenAI calls it, what Anthropic calls it. */
const NAMES: readonly (readonly [LimitUnit, string, string])[] = [
  ['requests', 'requests', 'requests'],
  ['tokens', 'tokens', 'tokens'],
  ['inputTokens', 'tokens', 'input-tokens'],
  ['outputTokens', 'tokens', 'output-tokens'],
]

const DURATIONS: readonly (readonly [ms: number, text: string])[] = [
  [-5, '0s'],
  [0, '0s'],
  [0.4, '1ms'],
  [250, '250ms'],
  [1_000, '1s'],
  [1_001, '2s'],
  [59_001, '1m0s'],
  [90_000, '1m30s'],
  [3_600_000, '1h0m0s'],
  [90_061_000, '25h1m1s'],
]

describe('the headers of a rate limit', () => {
  it.each(NAMES)('say %s in the names of each dialect', (unit, openai, anthropic) => {
    expect(rateLimitHeaders('openai', view(unit), NOW)).toEqual([
      ...[`x-ratelimit-limit-${openai}`, '60'],
      ...[`x-ratelimit-remaining-${openai}`, '30'],
      ...[`x-ratelimit-reset-${openai}`, '6s'],
    ])
    expect(rateLimitHeaders('anthropic', view(unit), NOW)).toEqual([
      ...[`anthropic-ratelimit-${anthropic}-limit`, '60'],
      ...[`anthropic-ratelimit-${anthropic}-remaining`, '30'],
      ...[`anthropic-ratelimit-${anthropic}-reset`, '2026-01-02T03:04:11.000Z'],
    ])
  })

  it('say money in decimal dollars', () => {
    const money = view('dollars', { amount: 2_500_000_000, left: 1, resetsAt: null })
    expect(rateLimitHeaders('openai', money, NOW)).toEqual([
      ...['x-ratelimit-limit-dollars', '2.5', 'x-ratelimit-remaining-dollars', '0.000000001'],
    ])
    expect(rateLimitHeaders('anthropic', money, NOW)).toEqual([
      ...['anthropic-ratelimit-dollars-limit', '2.5', 'anthropic-ratelimit-dollars-remaining', '0.000000001'],
    ])
  })

  it('say nothing of calls at once, for which neither dialect has a word', () => {
    expect(rateLimitHeaders('openai', view('concurrency'), NOW)).toEqual([])
    expect(rateLimitHeaders('anthropic', view('concurrency'), NOW)).toEqual([])
  })

  it.each(DURATIONS)('write %d ms as %s in OpenAI, never shorter than they are', (ms, text) => {
    expect(rateLimitHeaders('openai', view('requests', { resetsAt: NOW + ms }), NOW).at(-1)).toBe(text)
  })
})
