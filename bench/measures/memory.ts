import { setTimeout as pause } from 'node:timers/promises'
import { openFilesLimit, residentBytes } from '../process.ts'
import type { Measurement } from '../result.ts'
import type { Running } from '../subject.ts'
import { type Dialect, holdStreams } from '../traffic.ts'
import { streamFaults } from './load.ts'

export const WANTED_STREAMS = 10_000
/** A frame every five seconds on each stream: open, and nearly idle. */
const PACE = { frames: 1_000, intervalMs: 5_000 }
const OPENING_SECONDS = 60
const HOLDING_MS = 12_000
/** Files that a gateway has open beside two sockets for each stream. */
const OTHER_FILES = 300

/** What the machine lets a gateway hold: each stream takes two sockets. */
export function streamsWithin(openFiles: number): number {
  return Math.min(WANTED_STREAMS, Math.floor((openFiles - OTHER_FILES) / 2))
}

/**
 * Resident memory before and with thousands of open streams. The subject has just started: after a load its garbage
 * would hide a part of what the streams take.
 */
export async function measureMemory(
  target: Running,
  dialect: Dialect,
): Promise<Pick<Measurement, 'figures' | 'faults'>> {
  const pid = target.process!.pid
  const wanted = streamsWithin(openFilesLimit())
  await pause(1_000)
  const before = residentBytes(pid)
  const held = await holdStreams(target, {
    dialect,
    connections: wanted,
    seconds: OPENING_SECONDS,
    pace: PACE,
  })
  let peak = residentBytes(pid)
  for (const end = performance.now() + HOLDING_MS; performance.now() < end; ) {
    await pause(500)
    peak = Math.max(peak, residentBytes(pid))
  }
  const settled = residentBytes(pid)
  const released = await held.release()
  const opened = held.opened.opened
  const faults = streamFaults({ ...released, opened })
  if (opened < wanted) faults.push(`opened ${opened} of ${wanted} streams in ${OPENING_SECONDS} s`)
  return {
    figures: {
      streams: opened,
      openingSeconds: held.opened.seconds,
      beforeMb: before / 1e6,
      withStreamsMb: settled / 1e6,
      peakMb: peak / 1e6,
      kilobytesPerStream: opened > 0 ? (settled - before) / 1000 / opened : 0,
      peakKilobytesPerStream: opened > 0 ? (peak - before) / 1000 / opened : 0,
    },
    faults,
  }
}
