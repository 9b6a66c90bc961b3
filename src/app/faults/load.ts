import { DEFAULT_TOKENS, DEFAULT_WAIT_MS, type Fault, type FaultPlan } from '../../engines/faults/plan.ts'
import type { EpochMs } from '../../units/time.ts'
import type { Configuration } from '../configuration/configuration.ts'
import { readDocument } from '../configuration/document.ts'
import { type Fault as FileFault, inOrder } from '../configuration/fault.ts'
import { type ConfigurationFile, readFromDisk, unreadable } from '../configuration/file.ts'
import { checkForm } from '../configuration/structure.ts'
import type { Environment } from '../configuration/variables.ts'
import { checkPlanReferences } from './references.ts'
import { type FaultForm, faultPlanSchema } from './schema.ts'

const DEFAULT_SEED = 1

export interface LoadPlanOptions {
  readonly path: string
  readonly env: Environment
  /** What the plan may refer to; null where the configuration has faults itself. */
  readonly configuration: Configuration | null
  /** From when the plan counts its times. */
  readonly startedAt: EpochMs
  /** Reads a file; the file system when not given. Throws what the file system throws. */
  readonly read?: (path: string) => ConfigurationFile
}

/** A plan, or everything that is wrong with its file. */
export type LoadedPlan =
  | { readonly plan: FaultPlan; readonly faults?: undefined }
  | { readonly faults: readonly FileFault[]; readonly plan?: undefined }

/** Reads a plan of faults and checks all of it, as a configuration is checked. */
export function loadFaultPlan(options: LoadPlanOptions): LoadedPlan {
  const { path, env, configuration, startedAt, read = readFromDisk } = options
  let text: string
  try {
    text = read(path).text
  } catch (error) {
    return { faults: [{ ...unreadable(path, error), expected: 'a plan of faults in YAML or JSON' }] }
  }
  const document = readDocument({ text, file: path, environment: env })
  const { form, faults: ofForm } = checkForm(faultPlanSchema, document, path)
  // Once YAML has lost its way, only what stands before can be judged, and only by itself.
  const further = Number.isFinite(document.soundBefore)
    ? ofForm.filter(({ line, problem }) => line < document.soundBefore && problem !== 'is missing')
    : [...ofForm, ...checkPlanReferences(document, path, configuration)]
  const faults = inOrder([...document.faults, ...further])
  if (form === null || faults.length > 0) return { faults }
  return { plan: { faults: form.faults.map(faultOf), seed: form.seed ?? DEFAULT_SEED, startedAt } }
}

function faultOf(form: FaultForm): Fault {
  const { kind, retryAfter } = form
  return {
    upstream: form.upstream,
    replica: form.replica ?? null,
    kind,
    share: form.share ?? 1,
    afterMs: form.after ?? 0,
    forMs: form.for ?? null,
    everyMs: form.every ?? null,
    tokens: form.tokens ?? DEFAULT_TOKENS[kind] ?? 0,
    waitMs: form.wait ?? DEFAULT_WAIT_MS[kind] ?? 0,
    status: form.status ?? 0,
    retryAfter: retryAfter === undefined ? null : { ms: retryAfter, form: form.retryAfterIn ?? 'seconds' },
  }
}
