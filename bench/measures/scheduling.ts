import { quiet, type Running } from '../subject.ts'
import { penstock } from '../subjects/penstock.ts'
import { penstockScheduled, penstockScheduledEight } from '../subjects/scheduled.ts'
import { type Length, measurePlain, measureStreams, warmUpWell } from './load.ts'
import { type Found, type Keep, sideBySide } from './sideBySide.ts'

const LONG_WARM_UP_SECONDS = 2

/** The same mock upstream as a hosted one, and as an owned engine whose calls are scheduled. */
export async function measureScheduling(
  upstreamPort: number,
  length: Length & { readonly rounds: number },
  keep: Keep,
): Promise<void> {
  const work = {
    upstreamPort,
    rounds: length.rounds,
    warm: async (target: Running) => {
      await warmUpWell(target, length.dialect)
      await measurePlain(target, { ...length, seconds: LONG_WARM_UP_SECONDS, isLong: true })
    },
    measure: (target: Running) => all(target, length),
  }
  await sideBySide([penstock, penstockScheduled, penstockScheduledEight], work, keep)
}

/** Plain calls, plain calls with long prompts, and streams, as figures of one measurement. */
async function all(target: Running, length: Length): Promise<Found> {
  const plain = await measurePlain(target, length)
  await quiet(target)
  const long = await measurePlain(target, { ...length, isLong: true })
  await quiet(target)
  const streams = await measureStreams(target, length)
  const { callsPerSecond = 0, cpuPerCallUs = 0, p99Ms = 0 } = plain.figures
  const { streamsPerSecond = 0, cpuPerFrameUs = 0 } = streams.figures
  const others = [plain, long, streams].map(({ figures }) => figures.othersCores ?? 0)
  return {
    figures: {
      callsPerSecond,
      cpuPerCallUs,
      p99Ms,
      longCallsPerSecond: long.figures.callsPerSecond ?? 0,
      cpuPerLongCallUs: long.figures.cpuPerCallUs ?? 0,
      streamsPerSecond,
      cpuPerFrameUs,
      othersCores: Math.max(...others),
    },
    faults: [...plain.faults, ...long.faults, ...streams.faults],
  }
}
