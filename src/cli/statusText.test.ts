import { describe, expect, it } from 'vitest'
import type { LimitTold } from './limitView.ts'
import { statusText } from './statusText.ts'

const NOW = Date.UTC(2026, 2, 1)

function told(scope: string, unit: LimitTold['unit'], left: string | number, amount: string | number, inMs?: number) {
  const resetsAt = inMs === undefined ? null : new Date(NOW + inMs).toISOString()
  const nothing = unit === 'dollars' ? '0' : 0
  return { scope, unit, window: 'total', amount, used: nothing, held: nothing, left, resetsAt }
}

const CASES: Readonly<Record<string, readonly [limits: readonly LimitTold[], text: string]>> = {
  'nothing that binds': [[], 'no limits'],
  'one limit of the key': [
    [told('key:ci', 'dollars', '3.219', '5', 8_040_000)],
    '$3.21 of $5.00 left, resets in 2h 14m',
  ],
  'the one with the least share left first': [
    [told('key:ci', 'dollars', '3.21', '5'), told('run:abc', 'dollars', '0.31', '0.5')],
    'run $0.31 of $0.50 left · $3.21 of $5.00 left',
  ],
  'three at most': [
    [
      told('organisation', 'dollars', '4000', '5000'),
      told('team:search', 'dollars', '100', '500'),
      told('user:ana', 'dollars', '1', '10'),
      told('key:ci', 'dollars', '4.5', '5'),
    ],
    'user $1.00 of $10.00 left · team search $100.00 of $500.00 left · organisation $4000.00 of $5000.00 left',
  ],
  'dollars before counts': [
    [
      told('key:ci', 'requests', 12, 60, 30_000),
      told('key:ci', 'dollars', '4', '5'),
      told('key:ci', 'concurrency', 7, 8),
    ],
    '$4.00 of $5.00 left · 12 of 60 requests left, resets in 30s · 7 of 8 slots left',
  ],
  'a count that is used up, whatever dollars there are': [
    [
      told('key:ci', 'tokens', 0, 200_000, 18_000_000),
      told('key:ci', 'dollars', '1', '5'),
      told('user:ana', 'dollars', '1', '5'),
      told('team:search', 'dollars', '1', '4'),
    ],
    '$1.00 of $5.00 left · user $1.00 of $5.00 left · 0 of 200k tokens left, resets in 5h',
  ],
  'a limit of nothing': [
    [told('key:ci', 'dollars', '1', '5'), told('model:fast', 'inputTokens', 0, 0)],
    '$1.00 of $5.00 left · model fast 0 of 0 input tokens left',
  ],
  'a tag by its name and value': [
    [told('tag:project=atlas', 'outputTokens', 150_000, 200_000)],
    'project=atlas 150k of 200k output tokens left',
  ],
  'a long name by its beginning': [
    [told(`team:${'x'.repeat(128)}`, 'dollars', '1', '2')],
    `team ${'x'.repeat(19)}… $1.00 of $2.00 left`,
  ],
  'no reset that has been': [[told('key:ci', 'dollars', '0', '5', -1)], '$0.00 of $5.00 left'],
}

describe('the line of a coding tool', () => {
  it.each(Object.entries(CASES))('tells %s', (_, [limits, text]) => {
    expect(statusText(limits, NOW)).toBe(`penstock  ${text}`)
  })
})
