import { expect, test } from 'vitest'
import { report } from './report.ts'
import type { Measurement, Result } from './result.ts'
import { verdicts } from './targets.ts'

function resultOf(measurements: readonly Measurement[]): Result {
  return {
    at: '2026-01-02T03:04:05.000Z',
    commit: 'abc',
    changed: false,
    machine: { cpu: 'CPU', cores: 2, memoryGb: 8, kernel: '6', node: '26', openFiles: 1024 },
    options: { rounds: 1, seconds: 1 },
    whole: true,
    seconds: 60,
    subjects: [{ name: 'litellm', describe: 'LiteLLM', unavailable: 'pip install failed: no network' }],
    measurements,
    micro: [],
  }
}

function plain(subject: string, callsPerSecond: number): Measurement {
  return { round: 1, measure: 'plain', subject, figures: { callsPerSecond }, faults: [] }
}

test('what was not measured is neither met nor missed', () => {
  for (const { met, measured } of verdicts(resultOf([]))) {
    expect(met).toBeNull()
    expect(measured).toBe('not measured')
  }
})

test('a target is met from its own value on, and missed below it', () => {
  const met = (calls: number) => verdicts(resultOf([plain('bare', 20_000), plain('penstock', calls)]))[0]!.met
  expect(met(12_000)).toBe(true)
  expect(met(11_999)).toBe(false)
})

test('a verdict on a machine that others used is in doubt', () => {
  const doubtful = (othersCores: number) => {
    const busy = { ...plain('bare', 20_000), figures: { callsPerSecond: 20_000, othersCores } }
    return verdicts(resultOf([busy, plain('penstock', 15_000)]))[0]!.doubtful
  }
  expect(doubtful(0.02)).toBe(false)
  expect(doubtful(0.5)).toBe(true)
})

test('a subject that could not be had stands in the report with its reason, and doubts with their measure', () => {
  const doubtful: Measurement = { ...plain('bare', 20_000), faults: ['3 of 9 calls failed'] }
  const text = report(resultOf([doubtful]))
  expect(text).toContain('| litellm | LiteLLM | pip install failed: no network |')
  expect(text).toContain('- bare, plain, round 1: 3 of 9 calls failed.')
})
