import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { isSecret, SECRET_RULE } from '../configuration/secret.ts'

const OWNER_ONLY = 0o600
const DIRECTORY_MODE = 0o700
const OTHERS = 0o077
const MAX_FILE_BYTES = 4_096

/** Told what was mended, a sentence each. */
export type Note = (sentence: string) => void

/** Writes a secret so that nobody else can read it at any moment, and nobody ever sees half of it. */
function write(path: string, secret: string, how: 'new' | 'replace'): boolean {
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`
  const file = openSync(draft, 'wx', OWNER_ONLY)
  try {
    writeSync(file, `${secret}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  try {
    if (how === 'replace') renameSync(draft, path)
    else linkSync(draft, path)
    return true
  } catch (error) {
    // Another process made it first: its secret is the one that counts.
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

/**
 * Reads a file with one secret in it.
 *
 * @returns null when there is no such file, or nothing in it
 * @throws Error with a sentence for the user when the file is no plain file, holds no secret, or is open to others and
 *   cannot be closed to them
 */
export function readSecret(path: string, note: Note = () => {}): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found) return null
  if (!found.isFile()) throw new Error(`${path} is no plain file; remove it, and a new one is made`)
  if (found.size > MAX_FILE_BYTES) throw new Error(`${path} holds no secret: it is larger than ${MAX_FILE_BYTES} bytes`)
  if ((found.mode & OTHERS) !== 0) {
    try {
      chmodSync(path, OWNER_ONLY)
    } catch {
      throw new Error(`${path} can be read by others and is not yours to close to them; make it yours, mode 600`)
    }
    note(
      `${path} could be read by others; it is for its owner alone now. If others may have read it, remove it and start again`,
    )
  }
  const secret = readFileSync(path, 'utf8').trim()
  if (secret === '') return null
  if (!isSecret(secret))
    throw new Error(`${path} holds no secret; expected ${SECRET_RULE}. Remove it, and a new one is made`)
  return secret
}

/** Puts a secret into a file, mode 0600, in a directory that is made with mode 0700 if need be. */
export function replaceSecret(path: string, secret: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
  write(path, secret, 'replace')
}

/** Reads a secret, or makes it when there is none; of several processes at once, all get the same. */
export function ensureSecret(path: string, make: () => string, note: Note = () => {}): string {
  mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
  const existing = readSecret(path, note)
  if (existing !== null) return existing
  const secret = make()
  const empty = lstatSync(path, { throwIfNoEntry: false }) !== undefined
  if (empty) note(`${path} was empty; a new secret is in it now`)
  if (write(path, secret, empty ? 'replace' : 'new')) return secret
  const others = readSecret(path, note)
  if (others === null) throw new Error(`${path} was made by another process and is empty`)
  return others
}
