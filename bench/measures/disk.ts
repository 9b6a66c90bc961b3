import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Measurement } from '../result.ts'
import { type Running, type Subject, start } from '../subject.ts'
import { dataDirectory } from '../subjects/penstock.ts'
import { loadPlain, loadStreams } from '../traffic.ts'
import { discard } from '../workshop.ts'
import type { Length } from './load.ts'

/** Bytes that a plain call leaves on disk, indexes included, after a clean stop; then the same for streams. */
export async function measureDisk(
  subject: Subject,
  upstreamPort: number,
  { dialect, seconds }: Length,
): Promise<Pick<Measurement, 'figures' | 'faults'>> {
  const empty = await afterStop(await start(subject, upstreamPort), async () => 0)
  const plain = await afterStop(await start(subject, upstreamPort), async target => {
    const load = await loadPlain(target, { dialect, connections: 64, seconds })
    return load.requests
  })
  const streamed = await afterStop(await start(subject, upstreamPort), async target => {
    const load = await loadStreams(target, { dialect, connections: 64, seconds, pace: null })
    return load.whole
  })
  return {
    figures: {
      emptyKb: empty.bytes / 1000,
      calls: plain.calls,
      bytesPerCall: (plain.bytes - empty.bytes) / plain.calls,
      bytesPerCallWithTheEmptyDirectory: plain.bytes / plain.calls,
      bytesPerStream: (streamed.bytes - empty.bytes) / streamed.calls,
    },
    faults: [],
  }
}

async function afterStop(
  target: Running,
  load: (target: Running) => Promise<number>,
): Promise<{ calls: number; bytes: number }> {
  const directory = target.directory!
  const calls = await load(target)
  await target.process!.stop()
  const bytes = sizeOf(dataDirectory({ directory }))
  discard(directory)
  return { calls, bytes }
}

function sizeOf(directory: string): number {
  let bytes = 0
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size
  }
  return bytes
}
