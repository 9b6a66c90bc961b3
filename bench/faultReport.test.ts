import { expect, test } from 'vitest'
import { faultSections, worstEnding } from './faultReport.ts'
import { faultVerdicts } from './faultTargets.ts'
import { CASES } from './load/faulty.ts'
import { lastFrames, roleFrame, WORDS, wordFrame } from './load/speech.ts'
import { ONE } from './measures/dead.ts'
import { outageFigures, type Watched } from './measures/outage.ts'
import type { Measurement, Result } from './result.ts'

function resultOf(measurements: readonly Measurement[]): Result {
  return {
    at: '2026-01-02T03:04:05.000Z',
    commit: 'abc',
    changed: false,
    machine: { cpu: 'CPU', cores: 2, memoryGb: 8, kernel: '6', node: '26', openFiles: 1024 },
    options: { rounds: 1, seconds: 1 },
    whole: true,
    seconds: 60,
    subjects: [],
    measurements,
    micro: [],
  }
}

function measured(
  measure: Measurement['measure'],
  subject: string,
  figures: Measurement['figures'],
  round = 1,
): Measurement {
  return { round, measure, subject, figures, faults: [] }
}

function verdictOf(what: string, result: Result) {
  return faultVerdicts(result).find(verdict => verdict.what.startsWith(what))!
}

const [FIRST] = CASES
const SURVIVED = Object.fromEntries(CASES.map(({ name }) => [`${name}.survived`, 1]))

test('what was not measured has no section, and is neither met nor missed', () => {
  expect(faultSections(resultOf([]))).toEqual([])
  for (const { met, measured } of faultVerdicts(resultOf([]))) {
    expect(met).toBeNull()
    expect(measured).toBe('not measured')
  }
})

test('a fault is judged by the worst of its rounds', () => {
  const name = FIRST!.name
  const rounds = [
    measured('faults', 'penstock-faults', { ...SURVIVED, [`${name}.ms`]: 10 }, 1),
    measured('faults', 'penstock-faults', { ...SURVIVED, [`${name}.survived`]: 0, [`${name}.honest`]: 1 }, 2),
  ]
  expect(worstEnding(resultOf(rounds.slice(0, 1)), 'penstock-faults', FIRST!)).toBe('survived')
  expect(worstEnding(resultOf(rounds), 'penstock-faults', FIRST!)).toBe('honest')
  expect(worstEnding(resultOf(rounds), 'litellm-faults', FIRST!)).toBeNull()
  expect(verdictOf('faults before the first word', resultOf(rounds.slice(0, 1))).met).toBe(true)
  expect(verdictOf('faults before the first word', resultOf(rounds)).met).toBe(false)
  expect(verdictOf('faults midway', resultOf(rounds)).met).toBe(true)
})

test('gateways stand side by side, each with what became of every fault and with its sums', () => {
  const hung = Object.fromEntries(CASES.map(({ name }) => [`${name}.hung`, 1]))
  const text = faultSections(
    resultOf([measured('faults', 'penstock-faults', SURVIVED), measured('faults', 'portkey-faults', hung)]),
  ).join('\n')
  expect(text).toContain('|  | penstock | portkey |')
  expect(text).toContain(`| **survived, of ${CASES.length}** | **${CASES.length}** | **0** |`)
  expect(text).toContain(`| **hung, of ${CASES.length}** | **0** | **${CASES.length}** |`)
})

test('a dead deployment is judged by what one healthy deployment reached in the same comparison', () => {
  const result = (calls: number) =>
    resultOf([
      measured('dead', ONE, { callsPerSecond: 10_000 }),
      measured('dead', 'one of two refuses', { callsPerSecond: calls }),
    ])
  expect(verdictOf('plain calls when one of two refuses', result(9_500)).met).toBe(true)
  expect(verdictOf('plain calls when one of two refuses', result(9_400)).met).toBe(false)
})

const DIED_MS = 1_000
const BEGUN = roleFrame('a') + wordFrame('a', WORDS[0]!)
const WHOLE = roleFrame('a') + WORDS.map(word => wordFrame('a', word)).join('') + lastFrames('a')

function watched(of: {
  readonly place: number
  readonly attempts: number
  readonly begunMs: number
  readonly firstMs: number | null
  readonly ms: number
  readonly ending: Watched['ending']
}): Watched {
  const headers = { 'x-penstock-deployment': `fail-${of.place}/m`, 'x-penstock-attempts': String(of.attempts) }
  const text = of.ending === 'survived' ? WHOLE : of.firstMs === null ? '' : BEGUN
  const seen = { status: 200, headers, text, cut: false, hung: false, firstContentMs: of.firstMs, ms: of.ms }
  return { seen, begunMs: of.begunMs, ending: of.ending }
}

test('an outage tells apart who had shown something, who moved before, and who was never touched', () => {
  const figures = outageFigures(
    [
      watched({ place: 1, attempts: 1, begunMs: 0, firstMs: 500, ms: 1_100, ending: 'honest' }),
      watched({ place: 1, attempts: 1, begunMs: 100, firstMs: 500, ms: 3_000, ending: 'survived' }),
      watched({ place: 2, attempts: 2, begunMs: 800, firstMs: 740, ms: 3_000, ending: 'survived' }),
      watched({ place: 2, attempts: 1, begunMs: 0, firstMs: 500, ms: 3_000, ending: 'survived' }),
      watched({ place: 2, attempts: 3, begunMs: 900, firstMs: null, ms: 3_000, ending: 'honest' }),
    ],
    DIED_MS,
  )
  expect(figures).toMatchObject({
    streams: 5,
    whole: 3,
    shown: 2,
    shownSurvived: 1,
    shownHonest: 1,
    shownOtherwise: 0,
    moved: 1,
    movedAddedP50Ms: 240,
    failedUnshown: 1,
    otherFailures: 0,
    usualFirstMs: 500,
  })
})

test('one stream that failed unshown, in any round and with either policy, misses the target', () => {
  const rounds = [
    measured('outage', 'penstock-outage', { 'fail.failedUnshown': 0, 'continue.failedUnshown': 0 }, 1),
    measured('outage', 'penstock-outage', { 'fail.failedUnshown': 0, 'continue.failedUnshown': 1 }, 2),
  ]
  expect(verdictOf('outage: streams that failed without', resultOf(rounds.slice(0, 1))).met).toBe(true)
  expect(verdictOf('outage: streams that failed without', resultOf(rounds)).met).toBe(false)
})
