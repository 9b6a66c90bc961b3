/**
 * Preloaded by `profile.ts --allocations`: samples what the main thread allocates, with what was collected since, and
 * writes the sampling profile when the process ends.
 */
import { writeFileSync } from 'node:fs'
import { type HeapProfiler, Session } from 'node:inspector'
import { isMainThread } from 'node:worker_threads'

const SAMPLING_INTERVAL_BYTES = 16_384

const file = process.env.BENCH_ALLOCATIONS
if (isMainThread && file) {
  const session = new Session()
  session.connect()
  const included = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true }
  session.post('HeapProfiler.startSampling', { samplingInterval: SAMPLING_INTERVAL_BYTES, ...included })
  process.on('exit', () => {
    session.post('HeapProfiler.stopSampling', (error, result?: HeapProfiler.StopSamplingReturnType) => {
      if (error || !result) process.stderr.write(`no allocations: ${error?.message}\n`)
      else writeFileSync(file, JSON.stringify(result.profile))
    })
  })
}
