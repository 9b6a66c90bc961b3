import { quiet, type Running } from '../subject.ts'
import { penstock, penstockLimited } from '../subjects/penstock.ts'
import { type Length, measurePlain, measureStreams, warmUpWell } from './load.ts'
import { type Found, type Keep, sideBySide } from './sideBySide.ts'

/** Plain calls and streams with limits that bind them, and without any. */
export async function measureLimits(
  upstreamPort: number,
  length: Length & { readonly rounds: number },
  keep: Keep,
): Promise<void> {
  const work = {
    upstreamPort,
    rounds: length.rounds,
    warm: (target: Running) => warmUpWell(target, length.dialect),
    measure: (target: Running) => both(target, length),
  }
  await sideBySide([penstock, penstockLimited], work, keep)
}

/** Plain calls, then streams, as figures of one measurement. */
async function both(target: Running, length: Length): Promise<Found> {
  const plain = await measurePlain(target, length)
  await quiet(target)
  const streams = await measureStreams(target, length)
  const { callsPerSecond = 0, cpuPerCallUs = 0, p99Ms = 0 } = plain.figures
  const { streamsPerSecond = 0, cpuPerFrameUs = 0 } = streams.figures
  const othersCores = Math.max(plain.figures.othersCores ?? 0, streams.figures.othersCores ?? 0)
  return {
    figures: { callsPerSecond, cpuPerCallUs, p99Ms, streamsPerSecond, cpuPerFrameUs, othersCores },
    faults: [...plain.faults, ...streams.faults],
  }
}
