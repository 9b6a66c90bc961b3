import { isIP, type LookupFunction } from 'node:net'
import { Client } from 'undici'
import type { Clock } from '../../ports/clock.ts'
import type { DurationMs } from '../../units/time.ts'

/** An engine that says nothing for so long is not heard. */
export const ASK_TIMEOUT_MS: DurationMs = 2_000
/** Engines say up to some hundred kilobytes. */
export const MAX_ANSWER_BYTES = 4_000_000

/** Answers one `GET`: the text, or null where there was none in time, not all right, or too much of it. Never fails. */
export type Ask = (path: string) => Promise<string | null>

/** Asks one replica what it says of itself, one question at a time, over a connection of its own. */
export interface Asker {
  readonly ask: Ask
  /** Whether nobody listened there when it was asked last. */
  readonly isRefused: boolean
  close(): void
}

export interface AskerOptions {
  /** Its path stands before those that are asked; without the `/v1` at its end. */
  readonly url: URL
  /** Connected to in place of the URL's host; null connects to that. */
  readonly host: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly clock: Clock
}

/** Connects to an address whatever the name is, for which TLS still asks. */
function toAddress(host: string): LookupFunction {
  return (_name, options, found) => {
    const family = isIP(host)
    if (options.all) found(null, [{ address: host, family }])
    else found(null, host, family)
  }
}

export function openAsker({ url, host, headers, clock }: AskerOptions): Asker {
  const lookup = host !== null && isIP(host) !== 0 ? { lookup: toAddress(host) } : {}
  const client = new Client(url.origin, {
    pipelining: 1,
    // The bound on the whole answer is ours.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { ...lookup, timeout: ASK_TIMEOUT_MS },
  })
  const prefix = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')

  async function asked(path: string, signal: AbortSignal): Promise<string | null> {
    const { statusCode, body } = await client.request({ path: `${prefix}${path}`, method: 'GET', headers, signal })
    if (statusCode !== 200) {
      await body.dump({ limit: MAX_ANSWER_BYTES, signal })
      return null
    }
    const pieces: Buffer[] = []
    let bytes = 0
    for await (const piece of body) {
      bytes += piece.length
      // Leaving the loop breaks the answer off.
      if (bytes > MAX_ANSWER_BYTES) return null
      pieces.push(piece)
    }
    return Buffer.concat(pieces).toString('utf8')
  }

  let isRefused = false
  return {
    get isRefused() {
      return isRefused
    },
    async ask(path) {
      const late = new AbortController()
      const cancel = clock.after(ASK_TIMEOUT_MS, () => late.abort())
      try {
        const text = await asked(path, late.signal)
        isRefused = false
        return text
      } catch (error) {
        // Refused, reset, late, no HTTP: all of it means that it is not heard.
        isRefused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
        return null
      } finally {
        cancel()
      }
    },
    close() {
      void client.destroy()
    },
  }
}
