import { resolve } from 'node:path'
import { parseListen } from './address.ts'
import type { ListenAddress } from './configuration.ts'
import { Leaf, readDocument, type Tree } from './document.ts'
import { formatFaults } from './fault.ts'
import { type ConfigurationFile, readFromDisk, unreadable } from './file.ts'
import type { Environment } from './variables.ts'

/** Where the gateway of a configuration is found, and what opens its admin API, as far as its file says. */
export interface Whereabouts {
  /** Null when the file names no address. */
  readonly listen: ListenAddress | null
  readonly adminToken: string | null
  /** Absolute path. */
  readonly dataDirectory: string | null
}

/** Null when the file has nothing there; false when a variable of it is not set. */
function textAt(tree: Tree, name: string): string | null | false {
  const found = tree instanceof Leaf || !Object.hasOwn(tree, name) ? undefined : (tree as { [key: string]: Tree })[name]
  if (!(found instanceof Leaf) || found.kind === 'null') return null
  return found.broken ? false : found.text
}

/**
 * Reads from a configuration no more than where its gateway is. Whoever asks a gateway need not have the environment
 * that it was started with, so whatever else the file says, or lacks, is no fault here.
 *
 * @throws Error with a sentence for the user when there is no such file, or nobody could tell where it listens
 */
export function readWhereabouts(of: {
  readonly path: string
  readonly env: Environment
  readonly read?: (path: string) => ConfigurationFile
}): Whereabouts {
  const { path, env, read = readFromDisk } = of
  let text: string
  try {
    text = read(path).text
  } catch (error) {
    throw new Error(formatFaults([unreadable(path, error)]))
  }
  const { tree } = readDocument({ text, file: path, environment: env })
  const address = textAt(tree, 'listen')
  const listen = address === null ? null : parseListen(address || '')
  if (address !== null && listen === null) throw new Error(`${path}: listen cannot be read`)
  const directory = textAt(tree, 'data')
  return {
    listen,
    // A token that is not told here may lie in the data directory or in the environment.
    adminToken: textAt(tree, 'adminToken') || null,
    dataDirectory: directory ? resolve(directory) : null,
  }
}
