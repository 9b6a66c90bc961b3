import { expect, test } from 'vitest'
import { report } from './report.ts'
import type { Measurement, Result } from './result.ts'
import { verdicts } from './targets.ts'

function resultOf(measurements: readonly Measurement[], cores = 2): Result {
  return {
    at: '2026-01-02T03:04:05.000Z',
    commit: 'abc',
    changed: false,
    machine: { cpu: 'CPU', cores, memoryGb: 8, kernel: '6', node: '26', openFiles: 1024 },
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

function race(round: number, subject: string, figures: Measurement['figures']): Measurement {
  return { round, measure: 'race', subject, figures, faults: [] }
}

function verdictOf(what: string, result: Result) {
  return verdicts(result).find(verdict => verdict.what.startsWith(what))!
}

test('a race is judged by its worst outcome, over one thread and two', () => {
  const races = [
    race(1, 'penstock-race', { 'honestPlain.admitted': 10, 'honestPlain.overDollars': 0 }),
    race(2, 'penstock-race', { 'honestPlain.admitted': 9, 'honestPlain.overDollars': 0 }),
    race(1, 'penstock-threads-race', { 'honestPlain.admitted': 8, 'honestPlain.overDollars': 0.001 }),
    race(1, 'litellm-race', { 'honestPlain.admitted': 1, 'honestPlain.overDollars': 3 }),
  ]
  expect(verdictOf('race, plain, honest', resultOf(races.slice(0, 2)))).toMatchObject({ met: true, measured: '9.000' })
  expect(verdictOf('race, plain, honest', resultOf(races))).toMatchObject({ met: false, measured: '8.000' })
  expect(verdictOf('races, models that obey', resultOf(races.slice(0, 2))).met).toBe(true)
  expect(verdictOf('races, models that obey', resultOf(races))).toMatchObject({ met: false, measured: '0.001' })
})

test('what a model writes beyond max_tokens is told, and held against nobody', () => {
  const result = resultOf([race(1, 'penstock-race', { 'honestPlain.overDollars': 0, 'deafPlain.overDollars': 0.17 })])
  expect(verdictOf('races, models that obey', result).met).toBe(true)
  expect(report(result)).toContain('0.1700')
})

test('two threads are judged by their rate where each has a core, else by the time of the busiest one', () => {
  const threads = (subject: string, callsPerSecond: number, callsPerSecondOfBusiest: number): Measurement => ({
    round: 1,
    measure: 'threads',
    subject,
    figures: { callsPerSecond, callsPerSecondOfBusiest },
    faults: [],
  })
  const measured = [threads('penstock-limits', 10_000, 15_000), threads('penstock-threads', 9_000, 30_000)]
  expect(verdictOf('two threads', resultOf(measured, 2))).toMatchObject({ met: true, measured: '2.000' })
  expect(verdictOf('two threads', resultOf(measured, 8))).toMatchObject({ met: false, measured: '0.900' })
})
