import { resolve } from 'node:path'
import { EMBEDDED_MODELS } from '../engines/simulated/embedded.ts'
import { SYSTEM_CLOCK } from './clock.ts'
import { parseListen } from './configuration/address.ts'
import type { Configuration, ListenAddress } from './configuration/configuration.ts'
import { formatFaults } from './configuration/fault.ts'
import { findConfigurationFile } from './configuration/file.ts'
import { loadConfiguration } from './configuration/load.ts'
import { embeddedConfiguration } from './discovery/embedded.ts'

export interface ServeOptions {
  /** `--config`; null when not given. */
  readonly configPath: string | null
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

/** What the gateway runs on, or every fault in it as text. */
export type Settled =
  | { readonly configuration: Configuration; readonly notes: readonly string[] }
  | { readonly faults: string }

/** Finds and reads the configuration, or makes the embedded one; the command line's own settings win. */
export async function settle(options: ServeOptions): Promise<Settled> {
  const { configPath, env, workingDirectory } = options
  const listen = options.listen === null ? undefined : parseListen(options.listen)
  if (listen === null) return { faults: `--listen ${options.listen}: expected HOST:PORT, such as 127.0.0.1:4000` }
  const path = findConfigurationFile({ asked: configPath ?? undefined, env, workingDirectory })
  return path === null ? embedded(options, listen) : fromFile(path, options, listen)
}

function fromFile(path: string, options: ServeOptions, listen: ListenAddress | undefined): Settled {
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

async function embedded(options: ServeOptions, listen: ListenAddress | undefined): Promise<Settled> {
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
