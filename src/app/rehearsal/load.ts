import { calibratedRange } from '../../simulation/calibrated-range.ts'
import type { ModelledFleet, Targets } from '../../twin/fleet.ts'
import { type ConfigurationDocument, readDocument } from '../configuration/document.ts'
import { type Fault, inOrder } from '../configuration/fault.ts'
import { type ConfigurationFile, readFromDisk, unreadable } from '../configuration/file.ts'
import { hardwareTables } from '../configuration/hardware.ts'
import { checkReferences } from '../configuration/references.ts'
import { checkForm } from '../configuration/structure.ts'
import type { Environment } from '../configuration/variables.ts'
import { Faults } from '../configuration/walk.ts'
import { checkEngines } from './engines.ts'
import { type ReplicaCounts, resolveFleet } from './resolve.ts'
import { type FleetForm, fleetSchema } from './schema.ts'

/** What callers are to be given where a file does not say. */
const DEFAULT_TARGETS: Targets = { timeToFirstTokenMs: 2_000, timePerOutputTokenMs: 50 }

/** A fleet file without a fault. */
export interface LoadedFleet {
  readonly targets: Targets
  /** Names of its upstreams, in their order. */
  readonly upstreams: readonly string[]
  /** Names of its models, in their order. */
  readonly models: readonly string[]
  /** Names of its tiers. */
  readonly tiers: readonly string[]
  /**
   * Which engines, or lengths, the step-time model was not fitted on: figures of theirs are extrapolated. A sentence each.
   *
   * @param longest tokens of the longest prompt and answer of the recording
   */
  extrapolations(longest: { readonly promptTokens: number; readonly outputTokens: number }): readonly string[]
  /** The fleet, with other counts of replicas than the file's where they are given. */
  fleet(counts: ReplicaCounts): ModelledFleet
}

export interface LoadFleetOptions {
  readonly path: string
  readonly env: Environment
  /** Reads a file; the file system when not given. Throws what the file system throws. */
  readonly read?: (path: string) => ConfigurationFile
}

export type Loaded =
  | { readonly loaded: LoadedFleet; readonly faults?: undefined }
  | { readonly faults: readonly Fault[]; readonly loaded?: undefined }

/** Reads a fleet file and checks all of it, as a configuration is checked. */
export function loadFleet({ path, env, read = readFromDisk }: LoadFleetOptions): Loaded {
  let text: string
  try {
    text = read(path).text
  } catch (error) {
    return { faults: [{ ...unreadable(path, error), expected: 'a fleet in YAML or JSON' }] }
  }
  const document = readDocument({ text, file: path, environment: env })
  const { form, faults: ofForm } = checkForm(fleetSchema, document, path)
  // Once YAML has lost its way, only what stands before can be judged, and only by itself.
  const further = Number.isFinite(document.soundBefore)
    ? ofForm.filter(({ line, problem }) => line < document.soundBefore && problem !== 'is missing')
    : [...ofForm, ...referenceFaults(document, path)]
  const faults = inOrder(withoutTwins([...document.faults, ...further]))
  if (form === null || faults.length > 0) return { faults }
  return resolved(form, path, document)
}

function referenceFaults(document: ConfigurationDocument, path: string): readonly Fault[] {
  const hardware = hardwareTables(null)
  const faults = new Faults(document, path)
  checkEngines(faults, faults.root(), hardware)
  return [...checkReferences(document, path, hardware), ...faults.found]
}

function resolved(form: FleetForm, path: string, document: ConfigurationDocument): Loaded {
  const first = resolveFleet(form, path, {})
  if ('misfits' in first) {
    const faults = first.misfits.map(({ upstream, problem }): Fault => {
      const at = ['upstreams', upstream, 'accelerator']
      return {
        file: path,
        ...document.placeOfName(at),
        path: `upstreams.${upstream}.accelerator`,
        problem,
        expected: '',
      }
    })
    return { faults }
  }
  const { timeToFirstToken, timePerOutputToken } = form.targets ?? {}
  return {
    loaded: {
      targets: {
        timeToFirstTokenMs: timeToFirstToken ?? DEFAULT_TARGETS.timeToFirstTokenMs,
        timePerOutputTokenMs: timePerOutputToken ?? DEFAULT_TARGETS.timePerOutputTokenMs,
      },
      upstreams: first.fleet.upstreams.map(({ name }) => name),
      models: first.fleet.models.map(({ name }) => name),
      tiers: first.fleet.terms.tiers.map(({ name }) => name),
      extrapolations: longest =>
        first.fleet.upstreams.flatMap(({ name, engine }) => {
          const why = calibratedRange(engine.costs.shape, longest)
          return why === null ? [] : [`figures of ${name} are extrapolated: ${why}`]
        }),
      fleet(counts) {
        const again = resolveFleet(form, path, counts)
        // Whether a replica fits does not depend on how many there are.
        if ('misfits' in again) throw new Error(`the fleet of ${path} fits no more`)
        return again.fleet
      },
    },
  }
}

/** Two checks may find the same place wanting; the first one says enough. */
function withoutTwins(faults: readonly Fault[]): Fault[] {
  const seen = new Set<string>()
  return faults.filter(({ path, line, problem }) => {
    const key = JSON.stringify([path, line, problem])
    return !seen.has(key) && seen.add(key)
  })
}
