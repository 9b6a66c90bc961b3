import type { IncomingHttpHeaders } from 'node:http'
import type { Registry } from '../ports/registry.ts'
import type { Key } from '../vocabulary/caller.ts'

/** Whoever calls from loopback without a key of its own, where the configuration trusts such callers. */
const TRUSTED: Key = {
  // No key can be called this, so nobody shares its receipts.
  name: '(loopback)',
  team: null,
  user: null,
  tags: {},
  models: null,
  tiers: null,
  secretHash: '',
  createdAt: 0,
  declared: true,
}

/** The secret in `Authorization: Bearer` or `x-api-key`; null when there is none. */
export function secretIn(headers: IncomingHttpHeaders): string | null {
  const { authorization } = headers
  if (authorization !== undefined && /^bearer /i.test(authorization)) return authorization.slice(7).trim()
  const key = headers['x-api-key']
  return typeof key === 'string' ? key : null
}

export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

/**
 * Whether a web page may have sent this: browsers on this machine reach loopback for whatever page is open in them, and
 * a name that resolves to loopback lets the page read the answer.
 */
function isFromPage({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  return origin !== undefined || site !== undefined || host === undefined || !LOOPBACK_HOST.test(host)
}

/** Who calls: the key of the secret, or the trusted caller on loopback; null when the call must be refused. */
export function authenticate(
  headers: IncomingHttpHeaders,
  address: string | undefined,
  options: { readonly registry: Registry; readonly trustCallers: boolean },
): Key | null {
  const secret = secretIn(headers)
  // A wrong or revoked key is refused even where none is needed: its use must not move to somebody else's account.
  if (secret !== null) return secret === '' ? null : options.registry.authenticate(secret)
  return options.trustCallers && isLoopback(address) && !isFromPage(headers) ? TRUSTED : null
}
