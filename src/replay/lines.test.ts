import { describe, expect, it } from 'vitest'
import { distributionLines, figureLines, reportCsv } from './lines.ts'
import { type ReplayReport, Tally } from './report.ts'

const SUMMARY = {
  requests: 4,
  durationMs: 1,
  inputTokens: 1,
  outputTokens: 1,
  meanInputTokens: 1,
  meanOutputTokens: 1,
  blocks: 1,
  reusableShare: 0.3736,
}

function played(): ReplayReport {
  const tally = new Tally()
  for (const ttft of [100, 200, 300]) {
    tally.started(1, false, 1)
    const heard = {
      firstContentMs: ttft,
      lastContentMs: ttft + 90,
      inputTokens: 50,
      cachedTokens: 20,
      outputTokens: 10,
    }
    tally.ended({
      kind: 'completed',
      startedMs: 0,
      endedMs: ttft + 100,
      heard: { ...heard, dollars: '0.1', whole: true, error: false },
    })
  }
  tally.ended({ kind: 'failed', why: '429', message: 'slow, "please"' })
  return tally.report(4, 2000)
}

describe('a report', () => {
  it('adds exactly, divides by its duration and takes nearest ranks', () => {
    expect(played()).toMatchObject({
      dollars: '0.3',
      cachedShare: 0.4,
      outputTokensPerSecond: 15,
      requestsPerSecond: 1.5,
      timeToFirstTokenMs: { p50: 200, p90: 300, p99: 300 },
      timePerOutputTokenMs: { p50: 10, p90: 10, p99: 10 },
      failures: { '429': 1 },
    })
  })

  it('reads as lines, with reasons and their messages', () => {
    const lines = figureLines(played(), SUMMARY)
    expect(lines).toContainEqual(['  429', '1: slow, "please"'])
    expect(lines).toContainEqual(['cached share of input', '40.0 %'])
    expect(lines).toContainEqual(['  reusable in the trace', '37.4 %'])
    expect(distributionLines(played())[0]).toEqual(['time to first token', '200 ms', '300 ms', '300 ms'])
    expect(distributionLines(new Tally().report(0, 0))[0]).toEqual(['time to first token', 'none', '', ''])
  })

  it('is one row of CSV under the names of its figures', () => {
    const [head, row, rest] = reportCsv(played()).split('\n')
    const cells = Object.fromEntries(head!.split(',').map((name, i) => [name, row!.split(',')[i]]))
    expect(cells).toMatchObject({
      completed: '3',
      'failures.429': '1',
      'timeToFirstTokenMs.p99': '300',
      dollars: '0.3',
    })
    expect(rest).toBe('')
  })
})
