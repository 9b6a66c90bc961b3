import type { DurationMs } from '../units/time.ts'
import type { Targets } from './fleet.ts'
import { isGood } from './report.ts'
import type { Results } from './results.ts'
import type { Played } from './traffic.ts'

/** What is drawn of a rehearsal. */
export interface Curves {
  /** The value that so many of 100 do not exceed, from 1 to 100; empty where there is none. */
  readonly timeToFirstTokenMs: readonly number[]
  readonly timePerOutputTokenMs: readonly number[]
  /** Of each part of the recording by when its requests were sent, those with a time of their own: how many a second came, and how many were given what they should be. */
  readonly slices: readonly Slice[]
}

export interface Slice {
  /** Its beginning. */
  readonly atMs: DurationMs
  readonly arrivalsPerSecond: number
  readonly goodPerSecond: number
}

const SLICES = 60

export function curvesOf(requests: readonly Played[], results: Results, targets: Targets): Curves {
  return {
    timeToFirstTokenMs: percentilesOf(results.timeToFirstTokenMs),
    timePerOutputTokenMs: percentilesOf(results.timePerOutputTokenMs),
    slices: slicesOf(requests, results, targets),
  }
}

function percentilesOf(values: Float64Array): readonly number[] {
  const sorted = values.filter(value => !Number.isNaN(value)).sort()
  if (sorted.length === 0) return []
  return Array.from({ length: 100 }, (_, i) => sorted[Math.ceil(((i + 1) * sorted.length) / 100) - 1]!)
}

function slicesOf(requests: readonly Played[], results: Results, targets: Targets): readonly Slice[] {
  const own = requests.filter(({ follows }) => follows === null)
  const lastMs = own.reduce((last, { atMs }) => Math.max(last, atMs), 0)
  const sliceMs = lastMs / SLICES
  if (sliceMs === 0) return []
  const arrivals = new Float64Array(SLICES)
  const good = new Float64Array(SLICES)
  for (const { number, atMs } of own) {
    const slice = Math.min(SLICES - 1, Math.floor(atMs / sliceMs))
    arrivals[slice]! += 1
    if (results.isCompleted(number) && isGood(number, results, targets)) good[slice]! += 1
  }
  const perSecond = (count: number) => (count * 1000) / sliceMs
  return Array.from({ length: SLICES }, (_, i) => ({
    atMs: i * sliceMs,
    arrivalsPerSecond: perSecond(arrivals[i]!),
    goodPerSecond: perSecond(good[i]!),
  }))
}
