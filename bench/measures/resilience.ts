import { direct, quiet, type Running } from '../subject.ts'
import { penstock } from '../subjects/penstock.ts'
import { penstockResilient } from '../subjects/resilient.ts'
import { bare } from '../subjects/undici.ts'
import { measureLatency } from './latency.ts'
import { type Length, measurePlain, measureStreams, warmUpWell } from './load.ts'
import { type Found, type Keep, sideBySide } from './sideBySide.ts'

/** A caller alone makes thousands of calls in this time, which is enough for their middle. */
const LATENCY_SECONDS = 2

/** Everything on, the plain configuration with one deployment, and the bare proxy that bounds are told in. */
export async function measureResilience(
  upstreamPort: number,
  length: Length & { readonly rounds: number },
  keep: Keep,
): Promise<void> {
  const work = {
    upstreamPort,
    rounds: length.rounds,
    warm: (target: Running) => warmUpWell(target, length.dialect),
    measure: (target: Running) => all(target, upstreamPort, length),
  }
  await sideBySide([bare, penstock, penstockResilient], work, keep)
}

/** Plain calls, streams, and what is added to the mock upstream's own latency, as figures of one measurement. */
async function all(target: Running, upstreamPort: number, length: Length): Promise<Found> {
  const plain = await measurePlain(target, length)
  await quiet(target)
  const streams = await measureStreams(target, length)
  await quiet(target)
  const short = { ...length, seconds: LATENCY_SECONDS }
  const own = await measureLatency(target, short)
  const alone = await measureLatency(direct(upstreamPort), short)
  const { callsPerSecond = 0, cpuPerCallUs = 0, p99Ms = 0 } = plain.figures
  const { streamsPerSecond = 0, cpuPerFrameUs = 0, firstFrameP50Ms = 0 } = streams.figures
  const p50Ms = own.figures.p50WithoutCommitMs ?? own.figures.p50Ms ?? 0
  const others = [plain, streams, own, alone].map(({ figures }) => figures.othersCores ?? 0)
  return {
    figures: {
      callsPerSecond,
      cpuPerCallUs,
      p99Ms,
      streamsPerSecond,
      cpuPerFrameUs,
      firstFrameP50Ms,
      addedP50Ms: p50Ms - (alone.figures.p50Ms ?? 0),
      othersCores: Math.max(...others),
    },
    faults: [...plain.faults, ...streams.faults, ...own.faults, ...alone.faults],
  }
}
