import { faultVerdicts } from './faultTargets.ts'
import { fleetVerdicts } from './fleetReport.ts'
import { limitVerdicts } from './limitTargets.ts'
import { added, DIRECT, figure, ratio } from './ratios.ts'
import type { MeasureName, Result } from './result.ts'
import { atLeast, atMost, isBusy, type Verdict } from './verdict.ts'

const OWN = 'penstock'
const MIN_PLAIN_SHARE = 0.6
const MIN_STREAM_SHARE = 0.8
const MAX_ADDED_P50_MS = 0.2
const MAX_KILOBYTES_PER_STREAM = 40
const MAX_BYTES_PER_CALL = 400
const MAX_STARTUP_MS = 1000

/** Every target with what this run measured. */
export function verdicts(result: Result): Verdict[] {
  const plain = ratio(result, { measure: 'plain', subject: OWN, to: 'bare', name: 'callsPerSecond' })
  const overRouter = ratio(result, { measure: 'plain', subject: OWN, to: 'sglang-router', name: 'callsPerSecond' })
  const streams = ratio(result, { measure: 'streams', subject: OWN, to: 'bare', name: 'framesPerSecond' })
  const addedMs = added(result, OWN, 'p50Ms', 'p50WithoutCommitMs')
  const kilobytes = figure(result, 'memory', OWN, 'kilobytesPerStream')
  const bytes = figure(result, 'disk', OWN, 'bytesPerCall')
  const startup = figure(result, 'startup', OWN, 'liveMs')
  const busy = (measure: MeasureName, ...subjects: string[]) => isBusy(result, measure, subjects)
  return [
    atLeast('plain calls, share of the bare proxy', MIN_PLAIN_SHARE, plain, busy('plain', OWN, 'bare')),
    atLeast('plain calls, share of sglang-router', 1, overRouter, busy('plain', OWN, 'sglang-router')),
    atLeast('streams, share of the bare proxy in frames', MIN_STREAM_SHARE, streams, busy('streams', OWN, 'bare')),
    atMost('added latency p50 without the commit wait', MAX_ADDED_P50_MS, addedMs, ' ms', busy('latency', OWN, DIRECT)),
    atMost('memory of an open stream', MAX_KILOBYTES_PER_STREAM, kilobytes, ' kB', false),
    atMost('bytes of a plain call on disk', MAX_BYTES_PER_CALL, bytes, '', false),
    atMost('start-up to the first answer', MAX_STARTUP_MS, startup, ' ms', false),
    ...limitVerdicts(result),
    ...faultVerdicts(result),
    ...fleetVerdicts(result),
  ]
}
