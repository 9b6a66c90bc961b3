import { join } from 'node:path'
import type { Registry } from '../../ports/registry.ts'
import { formatListen } from '../configuration/address.ts'
import type { ListenAddress } from '../configuration/configuration.ts'
import { type Note, readSecret, replaceSecret } from './secretFile.ts'

const FIRST = 'first'
const MAX_FIRST_KEYS = 100

/** Where the secret of the first key lies, so that the `curl` line of a later start works as well. */
export function firstKeyFile(dataDirectory: string): string {
  return join(dataDirectory, 'first-key')
}

/**
 * The key of the `curl` line that is printed when nothing is configured. It is made at the first start; its secret is
 * kept beside the admin token, mode 0600, which opens more than the key does. One that was revoked, or whose file is
 * gone, is followed by a new one.
 *
 * @throws Error with a sentence for the user
 */
export async function ensureFirstKey(options: {
  readonly dataDirectory: string
  readonly registry: Registry
  readonly note?: Note
}): Promise<{ readonly name: string; readonly secret: string }> {
  const { dataDirectory, registry, note } = options
  const path = firstKeyFile(dataDirectory)
  const kept = readSecret(path, note)
  const key = kept === null ? null : registry.authenticate(kept)
  if (kept !== null && key !== null) return { name: key.name, secret: kept }
  for (let n = 1; n <= MAX_FIRST_KEYS; n++) {
    const name = n === 1 ? FIRST : `${FIRST}-${n}`
    const made = await registry.createKey({ name, team: null, user: null, tags: {}, models: null, tiers: null })
    if (made === 'taken') continue
    replaceSecret(path, made.secret)
    return { name, secret: made.secret }
  }
  throw new Error(`there are ${MAX_FIRST_KEYS} keys called ${FIRST} already; revoke those that nobody uses`)
}

/** Where callers on this machine reach a gateway that listens there. */
export function urlOnThisMachine(listen: ListenAddress): string {
  const { host, port } = listen
  const anywhere = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${formatListen({ host: anywhere, port })}`
}

/** One line for a shell that asks a model for a few words. */
export function curlLine(of: { readonly url: string; readonly secret: string; readonly model: string }): string {
  const body = JSON.stringify({ model: of.model, messages: [{ role: 'user', content: 'Say hello.' }] })
  const quoted = `'${body.replaceAll("'", `'\\''`)}'`
  return `curl -i ${of.url}/v1/chat/completions -H 'authorization: Bearer ${of.secret}' -H 'content-type: application/json' -d ${quoted}`
}
