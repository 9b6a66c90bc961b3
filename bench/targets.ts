import { added, DIRECT, figure, ratio } from './ratios.ts'
import type { MeasureName, Result } from './result.ts'

/** A figure that Penstock is held to. */
export interface Verdict {
  readonly what: string
  readonly target: string
  readonly measured: string
  /** Null when this run did not measure it. */
  readonly met: boolean | null
  /** Others used the machine while it was measured, so that neither answer means much. */
  readonly doubtful: boolean
}

const OWN = 'penstock'
const MIN_PLAIN_SHARE = 0.6
const MIN_STREAM_SHARE = 0.8
const MAX_ADDED_P50_MS = 0.2
const MAX_KILOBYTES_PER_STREAM = 40
const MAX_BYTES_PER_CALL = 400
const MAX_STARTUP_MS = 1000
/** Above this many cores used by others a comparison of rates is in doubt. */
const QUIET_OTHERS_CORES = 0.1

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
  ]
}

function isBusy(result: Result, measure: MeasureName, subjects: readonly string[]): boolean {
  return subjects.some(subject => (figure(result, measure, subject, 'othersCores') ?? 0) > QUIET_OTHERS_CORES)
}

function atLeast(what: string, target: number, measured: number | null, doubtful: boolean): Verdict {
  const met = measured === null ? null : measured >= target
  return { what, target: `≥ ${target}`, measured: shown(measured, ''), met, doubtful }
}

function atMost(what: string, target: number, measured: number | null, unit: string, doubtful: boolean): Verdict {
  const met = measured === null ? null : measured <= target
  return { what, target: `≤ ${target}${unit}`, measured: shown(measured, unit), met, doubtful }
}

function shown(measured: number | null, unit: string): string {
  if (measured === null) return 'not measured'
  return `${measured >= 100 ? measured.toFixed(0) : measured.toFixed(3)}${unit}`
}
