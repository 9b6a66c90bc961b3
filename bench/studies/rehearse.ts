import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { type LoadedFleet, loadFleet } from '../../src/app/rehearsal/load.ts'
import { type ReadOptions, readTrace } from '../../src/traces/read.ts'
import type { Trace } from '../../src/traces/trace.ts'
import type { Report } from '../../src/twin/report.ts'
import { type Casting, castTraffic } from '../../src/twin/traffic.ts'
import { type Policy, Twin } from '../../src/twin/twin.ts'

const RECORDED = new URL('../../../shared/data/traces/', import.meta.url)
export const SEED = 1

if (!existsSync(RECORDED))
  throw new Error('the study needs the recordings in ../shared/data/traces, which are not there')

/** @param file in the folder of recordings */
export function readRecording(file: string, options: ReadOptions): Trace {
  const bytes = readFileSync(new URL(file, RECORDED))
  return readTrace(file.endsWith('.gz') ? gunzipSync(bytes) : bytes, { ...options, seed: SEED })
}

/** A recording whose requests are all for the one model of a fleet, in one tier. */
export function castIn(tier: string, trace: Trace, speed = 1): Casting {
  return { trace, speed, model: () => 'm', tenant: ({ tenant }) => tenant ?? 'all', tier: () => tier }
}

/** @param file beside this one */
export function fleetIn(file: string): LoadedFleet {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const { loaded } = loadFleet({ path, env: {} })
  if (loaded === undefined) throw new Error(`${path} can not be read`)
  return loaded
}

export function rehearse(
  fleet: LoadedFleet,
  of: { readonly replicas: number; readonly castings: readonly Casting[]; readonly policy: Policy },
): Report {
  const twin = new Twin({
    fleet: fleet.fleet({ pool: of.replicas }),
    traffic: castTraffic(of.castings),
    targets: fleet.targets,
    policy: of.policy,
    seed: SEED,
  })
  twin.run()
  return twin.report()
}
