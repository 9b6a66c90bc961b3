import { resolve } from 'node:path'
import type { FaultPlan } from '../engines/faults/plan.ts'
import { EMBEDDED_MODELS } from '../engines/simulated/embedded.ts'
import { SYSTEM_CLOCK } from './clock.ts'
import { parseListen } from './configuration/address.ts'
import type { Configuration, ListenAddress } from './configuration/configuration.ts'
import { formatFaults } from './configuration/fault.ts'
import { findConfigurationFile } from './configuration/file.ts'
import { loadConfiguration } from './configuration/load.ts'
import { embeddedConfiguration } from './discovery/embedded.ts'
import { loadFaultPlan } from './faults/load.ts'
import { planNotice } from './faults/notice.ts'

export interface ServeOptions {
  /** `--config`; null when not given. */
  readonly configPath: string | null
  /** `--faults`: a plan by which upstreams fail on purpose. */
  readonly faultsPath: string | null
  /** `--data`. */
  readonly dataDirectory: string | null
  /** `--listen`. */
  readonly listen: string | null
  readonly env: NodeJS.ProcessEnv
  /** Where relative paths begin. */
  readonly workingDirectory: string
  /** Takes a line for standard output. */
  print(line: string): void
  /** Takes a sentence for standard error. */
  note(sentence: string): void
}

/** A configuration with its notes, or every fault in it as text. */
type SettledConfiguration =
  | { readonly configuration: Configuration; readonly notes: readonly string[] }
  | { readonly faults: string }

/** What the gateway runs on, or every fault in it as text. */
export type Settled =
  | {
      readonly configuration: Configuration
      /** Null: upstreams fail when they fail. */
      readonly faultPlan: FaultPlan | null
      readonly notes: readonly string[]
    }
  | { readonly faults: string }

/** Finds and reads the configuration, or makes the embedded one; the command line's own settings win. */
export async function settle(options: ServeOptions): Promise<Settled> {
  const { configPath, env, workingDirectory } = options
  const listen = options.listen === null ? undefined : parseListen(options.listen)
  if (listen === null) return { faults: `--listen ${options.listen}: expected HOST:PORT, such as 127.0.0.1:4000` }
  const path = findConfigurationFile({ asked: configPath ?? undefined, env, workingDirectory })
  return withFaultPlan(path === null ? await embedded(options, listen) : fromFile(path, options, listen), options)
}

/** Adds the plan of faults that was asked for; what is wrong with it is told beside what is wrong with the rest. */
function withFaultPlan(settled: SettledConfiguration, { faultsPath, env }: ServeOptions): Settled {
  if (faultsPath === null) return 'faults' in settled ? settled : { ...settled, faultPlan: null }
  const configuration = 'faults' in settled ? null : settled.configuration
  const loaded = loadFaultPlan({ path: faultsPath, env, configuration, startedAt: SYSTEM_CLOCK.now() })
  const ofPlan = loaded.faults === undefined ? [] : [formatFaults(loaded.faults)]
  if ('faults' in settled) return { faults: [settled.faults, ...ofPlan].join('\n') }
  if (loaded.faults !== undefined) return { faults: ofPlan.join('\n') }
  return { ...settled, faultPlan: loaded.plan, notes: [...settled.notes, planNotice(faultsPath, loaded.plan)] }
}

function fromFile(path: string, options: ServeOptions, listen: ListenAddress | undefined): SettledConfiguration {
  const loaded = loadConfiguration({ path, env: options.env })
  if (loaded.faults !== undefined) return { faults: formatFaults(loaded.faults) }
  const { configuration, warnings } = loaded
  return {
    configuration: {
      ...configuration,
      listen: listen ?? configuration.listen,
      dataDirectory:
        options.dataDirectory === null
          ? configuration.dataDirectory
          : resolve(options.workingDirectory, options.dataDirectory),
    },
    notes: warnings.length > 0 ? [formatFaults(warnings)] : [],
  }
}

async function embedded(options: ServeOptions, listen: ListenAddress | undefined): Promise<SettledConfiguration> {
  const made = await embeddedConfiguration({
    env: options.env,
    models: EMBEDDED_MODELS,
    now: SYSTEM_CLOCK.now(),
    ...(listen ? { listen } : {}),
    ...(options.dataDirectory ? { dataDirectory: options.dataDirectory } : {}),
  })
  if (made.faults !== undefined) return { faults: formatFaults(made.faults) }
  return { configuration: made.configuration, notes: [...made.notes, made.summary] }
}
