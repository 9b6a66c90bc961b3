import type { Measurement } from '../result.ts'
import { quiet, type Running, type Subject, start } from '../subject.ts'
import { penstock, penstockLimited } from '../subjects/penstock.ts'
import { type Length, measurePlain, measureStreams, warmUp } from './load.ts'

export type Found = Pick<Measurement, 'figures' | 'faults'>
export type Keep = (round: number, subject: string, found: Found) => void

/** Comparisons in each round, each a measurement of both: the machine's moods last longer than one of them. */
const PAIRS = 4

/**
 * Plain calls and streams with limits that bind them, and without any. Both gateways run at once and take turns of one
 * measurement, in the order A B B A, so that what the machine does meanwhile counts for both.
 */
export async function measureLimits(
  upstreamPort: number,
  length: Length & { readonly rounds: number },
  keep: Keep,
): Promise<void> {
  for (let round = 0; round < length.rounds; round++) {
    await together([penstock, penstockLimited], upstreamPort, async targets => {
      for (const target of targets) await warmUp(target, length.dialect)
      for (let pair = 0; pair < PAIRS; pair++) {
        const order = pair % 2 === 0 ? targets : targets.toReversed()
        for (const target of order) keep(round * PAIRS + pair + 1, target.name, await both(target, length))
      }
    })
  }
}

/** Has several subjects run at once on the gateway's core. */
async function together(
  subjects: readonly Subject[],
  upstreamPort: number,
  work: (targets: readonly Running[]) => Promise<void>,
): Promise<void> {
  const targets: Running[] = []
  try {
    for (const subject of subjects) targets.push(await start(subject, upstreamPort))
    await work(targets)
  } finally {
    for (const target of targets) await target.stop()
  }
}

/** Plain calls, then streams, as figures of one measurement. */
async function both(target: Running, length: Length): Promise<Found> {
  await quiet(target)
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
