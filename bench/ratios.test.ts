import { expect, test } from 'vitest'
import { added, DIRECT, figure, printed, ratio } from './ratios.ts'
import type { Measurement } from './result.ts'
import { median, percentile } from './statistics.ts'

function plain(round: number, subject: string, callsPerSecond: number): Measurement {
  return { round, measure: 'plain', subject, figures: { callsPerSecond }, faults: [] }
}

function latency(round: number, subject: string, p50Ms: number): Measurement {
  return { round, measure: 'latency', subject, figures: { p50Ms }, faults: [] }
}

test('a median of an even number of values lies between the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([9, 1, 5])).toBe(5)
  expect(median([])).toBeNull()
})

test('a percentile is a value that was measured', () => {
  const values = Array.from({ length: 200 }, (_, i) => i + 1)
  expect(percentile(values, 0.99)).toBe(198)
  expect(percentile(values, 0.5)).toBe(100)
  expect(percentile([7], 0.99)).toBe(7)
  expect(percentile([], 0.5)).toBeNull()
})

test('a ratio is taken within a round, so that a slow round counts for both', () => {
  // In the second round something else took three quarters of the machine: each subject kept its share of the other.
  const measurements = [
    plain(1, 'bare', 20_000),
    plain(1, 'penstock', 14_000),
    plain(2, 'bare', 5_000),
    plain(2, 'penstock', 3_500),
  ]
  expect(
    ratio({ measurements }, { measure: 'plain', subject: 'penstock', to: 'bare', name: 'callsPerSecond' }),
  ).toBeCloseTo(0.7)
  expect(figure({ measurements }, 'plain', 'bare', 'callsPerSecond')).toBe(12_500)
})

test('a round in which the other one was not measured gives no ratio', () => {
  const measurements = [plain(1, 'penstock', 14_000), plain(2, 'bare', 20_000), plain(2, 'penstock', 10_000)]
  const what = { measure: 'plain', subject: 'penstock', to: 'bare', name: 'callsPerSecond' } as const
  expect(ratio({ measurements }, what)).toBe(0.5)
  expect(ratio({ measurements }, { ...what, to: 'nginx' })).toBeNull()
})

test('added latency takes off what the upstream alone took in the same round', () => {
  const measurements = [
    latency(1, DIRECT, 0.02),
    latency(1, 'bare', 0.12),
    latency(2, DIRECT, 0.5),
    latency(2, 'bare', 0.6),
  ]
  expect(added({ measurements }, 'bare', 'p50Ms')).toBeCloseTo(0.1)
})

test('a printed number is found by its whole name, and is missing where a line or its number is', () => {
  const output = [
    'decide, 20 limits, tags          7 ns',
    'decide, 20 limits              325 ns',
    'broken             – ns',
  ]
  const micro = [{ file: 'bench/micro/limits.ts', status: 0, output: output.join('\n') }]
  expect(printed({ micro }, 'limits.ts', 'decide, 20 limits')).toBe(325)
  expect(printed({ micro }, 'limits.ts', 'decide, 2')).toBeNull()
  expect(printed({ micro }, 'limits.ts', 'broken')).toBeNull()
  expect(printed({ micro }, 'policy.ts', 'decide, 20 limits')).toBeNull()
})
