import { hash } from 'node:crypto'

/** SHA-256 of a secret as keys carry it: lowercase hex. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'hex')
}

/** Longer secrets fit no header that a client would send. */
export const MAX_SECRET_CHARACTERS = 512
/** Shorter ones could be guessed. */
export const LEAST_SECRET_CHARACTERS = 8

/** Whether a text can be carried by the headers that secrets come in. */
export function isSecret(text: string): boolean {
  return text.length >= LEAST_SECRET_CHARACTERS && text.length <= MAX_SECRET_CHARACTERS && /^[\x21-\x7e]+$/.test(text)
}

/**
 * The admin token of the environment, which the commands of the CLI send before any other.
 *
 * @returns null when none is set, false when what is set cannot be one
 */
export function adminTokenOf(environment: Readonly<Record<string, string | undefined>>): string | null | false {
  const token = environment.PENSTOCK_ADMIN_TOKEN
  if (!token) return null
  return isSecret(token) ? token : false
}

export const SECRET_RULE = `${LEAST_SECRET_CHARACTERS} to ${MAX_SECRET_CHARACTERS} printable ASCII characters without spaces`
