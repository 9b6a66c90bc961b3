import { request } from 'node:http'

/** What a server on this machine said. */
export interface LoopbackAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Null when the body is no JSON. */
  readonly json: unknown
}

/** Asks a port of this machine; null when nothing answers in time, or more than anybody should say. */
export type AskLoopback = (port: number, path: string) => Promise<LoopbackAnswer | null>

export const LOOPBACK = '127.0.0.1'
const MAX_ANSWER_BYTES = 1_000_000

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/**
 * A client that asks 127.0.0.1 and nothing else. It follows no redirect, knows no proxy and sends no credentials.
 *
 * @param signal ends every question that is still open
 */
export function openLoopback(signal: AbortSignal): AskLoopback {
  return (port, path) =>
    new Promise(resolve => {
      const options = { host: LOOPBACK, port, path, agent: false, signal, headers: { accept: 'application/json' } }
      const asked = request(options, response => {
        const parts: Buffer[] = []
        let size = 0
        response.on('data', (part: Buffer) => {
          size += part.length
          if (size > MAX_ANSWER_BYTES) asked.destroy()
          else parts.push(part)
        })
        response.on('end', () => {
          const { statusCode = 0, headers } = response
          resolve({ status: statusCode, headers, json: parse(Buffer.concat(parts).toString('utf8')) })
        })
        response.on('error', () => resolve(null))
        response.on('close', () => resolve(null))
      })
      asked.on('error', () => resolve(null))
      asked.on('close', () => resolve(null))
      asked.end()
    })
}
