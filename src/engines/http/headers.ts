import type { RawHeaders } from '../../ports/engine.ts'
import type { DialectName } from '../../vocabulary/dialect.ts'

export interface UpstreamHeaders {
  /** The caller's headers with the upstream's own in place of those of the same name. */
  merge(callers: RawHeaders): RawHeaders
}

/** Anthropic answers nothing without a version; callers that name one keep theirs. */
const DEFAULT_ANTHROPIC_VERSION = '2023-06-01'

/** Prepares what every request to an upstream carries: its key, the configured headers, and what the dialect requires. */
export function upstreamHeaders(
  dialect: DialectName,
  options: { readonly apiKey: string | null; readonly headers: Readonly<Record<string, string>> },
): UpstreamHeaders {
  // The bytes are read for usage and passed on as they are, so they must not come compressed.
  const own: string[] = ['accept-encoding', 'identity']
  if (options.apiKey !== null) {
    if (dialect === 'anthropic') own.push('x-api-key', options.apiKey)
    else own.push('authorization', `Bearer ${options.apiKey}`)
  }
  for (const [name, value] of Object.entries(options.headers)) own.push(name.toLowerCase(), value)
  const ownNames = new Set(own.filter((_, i) => i % 2 === 0))
  const defaults: readonly (readonly [string, string])[] = [
    ['content-type', 'application/json'],
    ...(dialect === 'anthropic' ? [['anthropic-version', DEFAULT_ANTHROPIC_VERSION] as const] : []),
  ].filter(([name]) => !ownNames.has(name!)) as (readonly [string, string])[]

  return {
    merge(callers) {
      const merged = own.slice()
      let missing = defaults.length
      let seen = 0
      for (let i = 0; i < callers.length; i += 2) {
        const name = callers[i]!.toLowerCase()
        if (ownNames.has(name)) continue
        for (let d = 0; d < defaults.length; d++) {
          if (defaults[d]![0] === name && (seen & (1 << d)) === 0) {
            seen |= 1 << d
            missing--
          }
        }
        merged.push(name, callers[i + 1]!)
      }
      if (missing > 0) {
        for (let d = 0; d < defaults.length; d++) {
          if ((seen & (1 << d)) === 0) merged.push(defaults[d]![0], defaults[d]![1])
        }
      }
      return merged
    },
  }
}
