import type { Measurement } from '../result.ts'
import { quiet, type Running, type Subject, start } from '../subject.ts'

export type Found = Pick<Measurement, 'figures' | 'faults'>
export type Keep = (round: number, subject: string, found: Found) => void

/** Comparisons in each round, each a measurement of every subject: a machine's moods last longer than one of them. */
const PAIRS = 4

/** What is done with each of several subjects that run at once. */
export interface Work {
  readonly upstreamPort: number
  /** Cores that they share, when not the gateway's. */
  readonly cores?: string
  readonly rounds: number
  warm(target: Running): Promise<void>
  measure(target: Running): Promise<Found>
  /** What is known when it has ended: it goes with each of its measurements. */
  ended?(target: Running): Found['figures']
}

/**
 * Measures subjects that run at once and take turns of one measurement, in the order A B B A, so that what the machine
 * does meanwhile counts for all of them. Each comparison is a round of the result.
 */
export async function sideBySide(subjects: readonly Subject[], work: Work, keep: Keep): Promise<void> {
  for (let round = 0; round < work.rounds; round++) {
    const targets: Running[] = []
    const found: { readonly round: number; readonly target: Running; readonly found: Found }[] = []
    try {
      for (const subject of subjects) targets.push(await start(subject, work.upstreamPort, work.cores))
      for (const target of targets) await work.warm(target)
      for (let pair = 0; pair < PAIRS; pair++) {
        for (const target of pair % 2 === 0 ? targets : targets.toReversed()) {
          await quiet(target)
          found.push({ round: round * PAIRS + pair + 1, target, found: await work.measure(target) })
        }
      }
      for (const target of targets) await target.process!.stop()
      for (const { round: number, target, found: one } of found) {
        const figures = { ...one.figures, ...work.ended?.(target) }
        keep(number, target.name, { ...one, figures })
      }
    } finally {
      for (const target of targets) await target.stop()
    }
  }
}
