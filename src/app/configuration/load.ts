import type { Configuration } from './configuration.ts'
import { readDocument } from './document.ts'
import { environmentFault, type Fault, inOrder } from './fault.ts'
import { type ConfigurationFile, readFromDisk, unreadable } from './file.ts'
import { hardwareTables, type KnownHardware } from './hardware.ts'
import { limitWarnings } from './limitWarnings.ts'
import { modelWarnings } from './modelWarnings.ts'
import { checkReferences } from './references.ts'
import { regionWarnings } from './regionWarnings.ts'
import { resolveConfiguration } from './resolve.ts'
import { shareWarnings } from './schedulingReferences.ts'
import { adminTokenOf, SECRET_RULE } from './secret.ts'
import { checkStructure } from './structure.ts'
import type { Environment } from './variables.ts'

export interface LoadOptions {
  /** Null configures nothing: every setting has its default, and there is nothing to serve. */
  readonly path: string | null
  readonly env: Environment
  /** Exactly what the simulated engine can play; what the simulation's tables know when not given. */
  readonly hardware?: KnownHardware
  /** Reads a file; the file system when not given. Throws what the file system throws. */
  readonly read?: (path: string) => ConfigurationFile
}

/** A configuration without a fault, or every fault there is. */
export type Loaded =
  | {
      readonly configuration: Configuration
      /** What is allowed and yet worth a word; a line each, as of `formatFaults`. */
      readonly warnings: readonly Fault[]
      readonly faults?: undefined
    }
  | { readonly faults: readonly Fault[]; readonly configuration?: undefined }

/**
 * Reads a configuration and checks all of it: YAML, variables, the form, what refers to what. Every fault is found at
 * once; with one of them there is no configuration.
 */
export function loadConfiguration({ path, env, hardware, read = readFromDisk }: LoadOptions): Loaded {
  let file: ConfigurationFile = { text: '', modifiedAt: 0 }
  if (path !== null) {
    try {
      file = read(path)
    } catch (error) {
      return { faults: [unreadable(path, error)] }
    }
  }
  return check({ ...file, source: path ?? 'embedded', env, hardware: hardware ?? null })
}

function check(of: ConfigurationFile & { source: string; env: Environment; hardware: KnownHardware | null }): Loaded {
  const { source } = of
  // An empty file configures nothing; to YAML it is an empty value rather than a mapping.
  const empty = of.text.split('\n').every(line => /^\s*(?:#|$)/.test(line))
  const text = empty ? '{}' : of.text
  const document = readDocument({ text, file: source, environment: of.env })
  const { form, faults: ofForm } = checkStructure(document, source)
  const ofReferences = checkReferences(document, source, hardwareTables(of.hardware))
  // Once YAML has lost its way, only what stands before can be judged, and only by itself.
  const further = Number.isFinite(document.soundBefore)
    ? ofForm.filter(fault => fault.line < document.soundBefore && fault.problem !== 'is missing')
    : [...ofForm, ...ofReferences]
  // The commands of the CLI send this variable's token first, so a gateway beside them has to know it.
  const token = form?.adminToken ?? adminTokenOf(of.env)
  const ofEnvironment =
    token === false
      ? [environmentFault('PENSTOCK_ADMIN_TOKEN', { problem: 'can be no admin token', expected: SECRET_RULE })]
      : []
  const faults = inOrder(withoutTwins([...ofEnvironment, ...document.faults, ...further]))
  if (form === null || token === false || faults.length > 0) return { faults }
  const configuration = resolveConfiguration(
    { ...form, adminToken: token ?? undefined },
    { source, modifiedAt: of.modifiedAt },
  )
  const warnings = [
    ...regionWarnings(configuration, document),
    ...modelWarnings(configuration, form, document),
    ...limitWarnings(configuration, document),
    ...shareWarnings(configuration, document),
  ]
  return { configuration, warnings: inOrder(warnings) }
}

/** Two checks may find the same place wanting; the first one says enough. */
function withoutTwins(faults: readonly Fault[]): Fault[] {
  const seen = new Set<string>()
  return faults.filter(({ path, line, problem }) => {
    const key = JSON.stringify([path, line, problem])
    return !seen.has(key) && seen.add(key)
  })
}
