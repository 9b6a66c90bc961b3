import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readTrace } from '../traces/read.ts'
import { play } from './fleet.fixture.ts'

// The recordings themselves are not part of the project: they lie beside it or they do not.
const ROOT = new URL('../../../shared/data/traces/mooncake/', import.meta.url)
const present = existsSync(ROOT)
const SKIP_NOTE = present ? '' : ' (skipped: no recorded traces in ../shared/data/traces)'

describe.skipIf(!present)(`recorded traffic in a rehearsal${SKIP_NOTE}`, () => {
  it.each([
    ['conversation', 12_031, 37.36],
    ['synthetic', 3_993, 65.12],
  ])(
    'is all served by a cache without bound, which reuses what the trace allows: Mooncake %s',
    (name, requests, percent) => {
      const trace = readTrace(readFileSync(new URL(`${name}_trace.jsonl`, ROOT)))
      const report = play(trace, { kvBlocks: Number.POSITIVE_INFINITY, accelerators: 8 }).report()
      expect([report.requests, report.completed]).toEqual([requests, requests])
      expect(Math.abs(100 * report.cachedShare - percent)).toBeLessThan(0.02)
    },
    60_000,
  )
})
