import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { ensureSecret, type Note, readSecret } from './secretFile.ts'

const TOKEN_BYTES = 32

/** Where the admin token lies when none is configured. */
export function adminTokenFile(dataDirectory: string): string {
  return join(dataDirectory, 'admin-token')
}

/**
 * The admin token of a data directory, made at the first start: mode 0600, in a directory of mode 0700.
 *
 * @param note told what was mended: a file that others could read, an empty one
 * @throws Error with a sentence for the user
 */
export function ensureAdminToken(dataDirectory: string, note?: Note): string {
  return ensureSecret(
    adminTokenFile(dataDirectory),
    () => `pen-admin-${randomBytes(TOKEN_BYTES).toString('base64url')}`,
    note,
  )
}

/** The admin token of a data directory, for commands that talk to its gateway; null when there is none. */
export function readAdminToken(dataDirectory: string): string | null {
  return readSecret(adminTokenFile(dataDirectory))
}
