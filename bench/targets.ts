import { added, figure, ratio } from './ratios.ts'
import type { Result } from './result.ts'

/** A figure that Penstock is held to. */
export interface Verdict {
  readonly what: string
  readonly target: string
  readonly measured: string
  /** Null when this run did not measure it. */
  readonly met: boolean | null
}

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
  return [
    atLeast('plain calls, share of the bare proxy', MIN_PLAIN_SHARE, plain, ''),
    atLeast('plain calls, share of sglang-router', 1, overRouter, ''),
    atLeast('streams, share of the bare proxy in frames', MIN_STREAM_SHARE, streams, ''),
    atMost('added latency p50 without the commit wait', MAX_ADDED_P50_MS, addedMs, ' ms'),
    atMost('memory of an open stream', MAX_KILOBYTES_PER_STREAM, kilobytes, ' kB'),
    atMost('bytes of a plain call on disk', MAX_BYTES_PER_CALL, bytes, ''),
    atMost('start-up to the first answer', MAX_STARTUP_MS, startup, ' ms'),
  ]
}

function atLeast(what: string, target: number, measured: number | null, unit: string): Verdict {
  const met = measured === null ? null : measured >= target
  return { what, target: `≥ ${target}${unit}`, measured: shown(measured, unit), met }
}

function atMost(what: string, target: number, measured: number | null, unit: string): Verdict {
  const met = measured === null ? null : measured <= target
  return { what, target: `≤ ${target}${unit}`, measured: shown(measured, unit), met }
}

function shown(measured: number | null, unit: string): string {
  if (measured === null) return 'not measured'
  return `${measured >= 100 ? measured.toFixed(0) : measured.toFixed(3)}${unit}`
}
