import { isIP } from 'node:net'

/** How many addresses of names an upstream may have besides one for each of its URLs. */
const SPARE_REPLICAS = 32

/** The host of a URL, an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}

/** Whether a host is one place that needs no looking up: an IP address, or this machine. */
export function isOnePlace(host: string): boolean {
  return isIP(host) !== 0 || host === 'localhost' || host.endsWith('.localhost')
}

/** Whether an IP address is this machine. */
export function isLoopbackAddress(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}

/**
 * How many replicas an upstream may come to have: its URLs, and some more where a name among their hosts may have several
 * addresses, now or later.
 */
export function slotsFor(baseUrls: readonly string[]): number {
  const areFixed = baseUrls.every(baseUrl => isOnePlace(hostOf(new URL(baseUrl))))
  return areFixed ? baseUrls.length : baseUrls.length + SPARE_REPLICAS
}

/**
 * The hosts behind a name, in order: its addresses, or the name itself where all of them are this machine. Of a name with
 * addresses of both families, those of IPv4 count: the same machines usually have both, and would each be two replicas.
 */
export function hostsBehind(name: string, addresses: readonly string[]): readonly string[] {
  if (addresses.every(isLoopbackAddress)) return [name]
  const v4 = addresses.filter(address => isIP(address) === 4)
  const chosen = v4.length > 0 ? v4 : addresses.filter(address => isIP(address) === 6)
  return [...new Set(chosen)].sort(byNumber)
}

/** 10.0.0.9 before 10.0.0.10. */
function byNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

/** For people: the URL with that host, without user and password. */
export function shownUrl(url: URL, host: string): string {
  const shown = new URL(url)
  shown.username = ''
  shown.password = ''
  shown.hostname = isIP(host) === 6 ? `[${host}]` : host
  return shown.href.replace(/\/$/, '')
}
