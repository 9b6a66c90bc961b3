import { cpuOfAll, cpuSeconds } from '../process.ts'
import type { Measurement } from '../result.ts'
import type { Running } from '../subject.ts'
import { type Dialect, loadPlain, loadStreams, type Pace, type StreamLoad } from '../traffic.ts'

type Found = Pick<Measurement, 'figures' | 'faults'>

/** Node's optimising compilers need some 80,000 calls: measured, a call costs half as much after eight seconds as in the first. */
const WARM_UP_PLAIN_SECONDS = 8
const WARM_UP_STREAM_SECONDS = 2
const WARM_CALLS = 60_000
const WARM_UPS = 3
const PLAIN_CONNECTIONS = 64
const STREAM_CONNECTIONS = 64
/** 256 streams of 50 frames a second: a load that every compiled or Node subject carries, each frame by itself. */
const PACED_CONNECTIONS = 256
const PACE: Pace = { frames: 100, intervalMs: 20 }

export interface Length {
  readonly dialect: Dialect
  readonly seconds: number
}

/** Plain and streamed calls until compilers and caches have settled. Returns how many plain calls it was. */
export async function warmUp(target: Running, dialect: Dialect): Promise<number> {
  const connections = PLAIN_CONNECTIONS
  const { requests } = await loadPlain(target, { dialect, connections, seconds: WARM_UP_PLAIN_SECONDS })
  await loadStreams(target, { dialect, connections: STREAM_CONNECTIONS, seconds: WARM_UP_STREAM_SECONDS, pace: null })
  return requests
}

/**
 * Warms up again where others use the machine: what several processes of Node are compared by is small beside what they
 * are slower by while they compile.
 */
export async function warmUpWell(target: Running, dialect: Dialect): Promise<void> {
  let calls = 0
  for (let i = 0; i < WARM_UPS && calls < WARM_CALLS; i++) calls += await warmUp(target, dialect)
}

/** Plain calls at saturation; long ones have some 16 kB of prompt. */
export async function measurePlain(
  target: Running,
  { dialect, seconds, isLong = false }: Length & { readonly isLong?: boolean },
): Promise<Found> {
  const { load, cpu, othersCores } = await withCpu(target, () =>
    loadPlain(target, { dialect, connections: PLAIN_CONNECTIONS, seconds, isLong }),
  )
  if (load.requests === 0) return { figures: {}, faults: ['no call was answered'] }
  const elapsed = load.durationUs / 1e6
  return {
    figures: {
      callsPerSecond: load.requests / elapsed,
      p50Ms: load.p50Us / 1000,
      p99Ms: load.p99Us / 1000,
      maxMs: load.maxUs / 1000,
      othersCores,
      ...perWork(cpu, elapsed, load.requests, 'Call'),
    },
    faults: load.errors > 0 ? [`${load.errors} of ${load.requests} calls failed`] : [],
  }
}

/** Streams at saturation: frames as fast as they are taken. */
export async function measureStreams(target: Running, { dialect, seconds }: Length): Promise<Found> {
  return streams(target, { dialect, seconds, connections: STREAM_CONNECTIONS, pace: null })
}

/** Streams at a fixed pace, so that each frame comes by itself: what it costs in time of the core. */
export async function measurePaced(target: Running, { dialect, seconds }: Length): Promise<Found> {
  return streams(target, { dialect, seconds, connections: PACED_CONNECTIONS, pace: PACE })
}

async function streams(
  target: Running,
  load: { dialect: Dialect; seconds: number; connections: number; pace: Pace },
): Promise<Found> {
  const { load: seen, cpu, othersCores } = await withCpu(target, () => loadStreams(target, load))
  return {
    figures: {
      framesPerSecond: seen.frames / seen.seconds,
      streamsPerSecond: seen.whole / seen.seconds,
      firstFrameP50Ms: seen.firstFrameMs.p50,
      firstFrameP99Ms: seen.firstFrameMs.p99,
      othersCores,
      ...perWork(cpu, seen.seconds, seen.frames, 'Frame'),
    },
    faults: streamFaults(seen),
  }
}

export function streamFaults({ broken, refused, lost, opened }: StreamLoad): string[] {
  const faults: string[] = []
  if (broken > 0) faults.push(`${broken} streams ended without their terminal event`)
  if (refused > 0) faults.push(`${refused} streams were refused`)
  if (lost > 0) faults.push(`${lost} connections were lost`)
  if (opened === 0) faults.push('no stream was opened')
  return faults
}

/** What a load took of the subject's core, and how many cores others took meanwhile. */
export interface Taken {
  /** Seconds of the subject; null for the mock upstream itself. */
  readonly cpu: number | null
  readonly othersCores: number
}

export async function withCpu<T>(target: Running, load: () => Promise<T>): Promise<{ load: T } & Taken> {
  const all = cpuOfAll()
  const before = target.process ? cpuSeconds(target.process.pid) : null
  const begun = performance.now()
  const seen = await load()
  const elapsed = (performance.now() - begun) / 1000
  const cpu = target.process && before !== null ? cpuSeconds(target.process.pid) - before : null
  const after = cpuOfAll()
  const others = after.machine - all.machine - (after.own - all.own)
  return { load: seen, cpu, othersCores: Math.max(0, others / elapsed) }
}

/** How much of its core the subject had, and what one call or frame cost of it. */
function perWork(cpu: number | null, elapsed: number, count: number, unit: 'Call' | 'Frame'): Record<string, number> {
  if (cpu === null || count === 0) return {}
  return { coreShare: cpu / elapsed, [`cpuPer${unit}Us`]: (cpu * 1e6) / count }
}
