import { expect, test } from 'vitest'
import { withYoungerMeasures } from './merge.ts'
import { report } from './report.ts'
import type { MeasureName, Result } from './result.ts'

function resultOf(day: number, commit: string, measured: readonly (readonly [MeasureName, number])[]): Result {
  return {
    at: `2026-01-0${day}T00:00:00.000Z`,
    commit,
    changed: false,
    machine: { cpu: 'CPU', cores: 2, memoryGb: 8, kernel: '6', node: '26', openFiles: 1024 },
    options: { rounds: 1, seconds: 1 },
    whole: commit === 'whole',
    seconds: 60,
    subjects: [{ name: commit, describe: 'Penstock', unavailable: null }],
    measurements: measured.map(([measure, callsPerSecond]) => ({
      round: 1,
      measure,
      subject: 'penstock',
      figures: { callsPerSecond },
      faults: [],
    })),
    micro: [],
  }
}

const whole = resultOf(2, 'whole', [['plain', 100]])

test('a measure that is younger than the whole run is shown from the newest run that has it', () => {
  const [second, third] = [resultOf(3, 'second', [['scheduling', 1]]), resultOf(4, 'third', [['scheduling', 2]])]
  const merged = withYoungerMeasures(whole, [whole, second, third])
  expect(merged.measurements.map(({ measure, figures }) => [measure, figures.callsPerSecond])).toEqual([
    ['plain', 100],
    ['scheduling', 2],
  ])
  expect(merged.subjects.map(({ name }) => name)).toEqual(['whole', 'third'])
  expect(report(merged)).toContain('`scheduling` was measured by itself at 2026-01-04T00:00:00.000Z from commit third')
})

test('what the whole run has itself is never replaced, nor added to by what is older', () => {
  const [older, later] = [resultOf(1, 'older', [['scheduling', 3]]), resultOf(3, 'later', [['plain', 7]])]
  expect(withYoungerMeasures(whole, [older, whole, later])).toEqual(whole)
})
