import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { EpochMs } from '../../units/time.ts'
import { MAX_CONFIGURATION_BYTES } from './document.ts'
import type { Fault } from './fault.ts'
import type { Environment } from './variables.ts'

/** A file as it lies on disk. */
export interface ConfigurationFile {
  readonly text: string
  /** When it was last changed: models and keys of the configuration count from then. */
  readonly modifiedAt: EpochMs
}

/** Throws what the file system throws. */
export function readFromDisk(path: string): ConfigurationFile {
  const { size, mtimeMs } = statSync(path)
  if (size > MAX_CONFIGURATION_BYTES) throw new Error(`larger than ${MAX_CONFIGURATION_BYTES} bytes`)
  return { text: readFileSync(path, 'utf8'), modifiedAt: Math.floor(mtimeMs) }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a directory',
}

/** A file that cannot be read, as a fault of it. */
export function unreadable(path: string, error: unknown): Fault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const why = UNREADABLE[code] ?? (error instanceof Error ? error.message : String(error))
  return {
    file: path,
    line: 0,
    path: '',
    problem: `cannot be read: ${why}`,
    expected: 'a configuration in YAML or JSON',
  }
}

/**
 * Names the file to read: the one that was asked for, else `PENSTOCK_CONFIG`, else `penstock.yaml` in the working
 * directory if there is one.
 *
 * @returns null when nothing is configured
 */
export function findConfigurationFile(from: {
  readonly asked: string | undefined
  readonly env: Environment
  readonly workingDirectory: string
}): string | null {
  if (from.asked !== undefined) return from.asked
  const named = from.env.PENSTOCK_CONFIG
  if (named) return named
  const usual = join(from.workingDirectory, 'penstock.yaml')
  return statSync(usual, { throwIfNoEntry: false })?.isFile() ? usual : null
}
