import { isIP, isIPv4, isIPv6 } from 'node:net'
import type { ListenAddress } from './configuration.ts'

const MAX_PORT = 65_535
const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}(?<!-))?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}(?<!-))?)*$/

/**
 * Reads `HOST:PORT`: `127.0.0.1:4000`, `localhost:0`, `[::1]:4000`. Port 0 lets the system pick a free one.
 *
 * @returns null when the text is no such address
 */
export function parseListen(text: string): ListenAddress | null {
  const found = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text.trim())
  if (!found) return null
  const port = Number(found[3])
  if (port > MAX_PORT) return null
  const bracketed = found[1]
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : null
  const host = found[2]!
  // Four numbers that are no address (`127.0.0.256`) would otherwise pass for the name of a host.
  const usable = /^[\d.]+$/.test(host) ? isIPv4(host) : HOST_NAME.test(host)
  return usable ? { host, port } : null
}

/** Writes an address as it stands in a URL: IPv6 gets its brackets back. */
export function formatListen({ host, port }: ListenAddress): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether an address can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true
  if (isIP(bare) === 4) return bare.startsWith('127.')
  return bare === '::1' || bare.startsWith('::ffff:127.')
}

/**
 * Reads what stands before `/chat/completions` or `/messages`. One without a path gets `/v1`; a slash at the end goes.
 *
 * @returns the URL, or one sentence that says what is wrong with it
 */
export function parseBaseUrl(text: string): { readonly url: string } | { readonly problem: string } {
  if (!/^https?:\/\//i.test(text)) return { problem: 'is no http or https URL' }
  if (!URL.canParse(text)) return { problem: 'is no URL' }
  const url = new URL(text)
  if (url.username || url.password) return { problem: 'carries credentials, which belong in apiKey or headers' }
  if (url.search || url.hash || /[?#]/.test(text)) return { problem: 'has a query or a fragment' }
  const path = url.pathname.replace(/\/+$/, '')
  return { url: `${url.origin}${path || '/v1'}` }
}
