import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DialectName } from '../vocabulary/dialect.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import { CALLER_DIALECTS } from './dialects.ts'

/** How long the rest of a refused body is taken in, so that the caller can read the refusal before the connection ends. */
const LINGER_MS = 2_000

export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  answerBytes(response, status, 'application/json', Buffer.from(JSON.stringify(body)))
}

export function answerBytes(response: ServerResponse, status: number, contentType: string, body: Uint8Array): void {
  response.writeHead(status, ['content-type', contentType, 'content-length', body.length.toString()])
  response.end(body)
}

/** Refuses a request that never became a call. */
export function refuse(response: ServerResponse, dialect: DialectName, refusal: Refusal): number {
  const { status, headers, body } = CALLER_DIALECTS[dialect].refusal(refusal, null)
  response.writeHead(status, [...headers, 'content-length', body.length.toString()])
  response.end(body)
  return status
}

/**
 * Refuses a request whose body was not read to its end. The connection ends after it, but not before the caller had
 * the time to read: closing with unread bytes would reset it.
 */
export function refuseUnread(
  request: IncomingMessage,
  response: ServerResponse,
  dialect: DialectName,
  refusal: Refusal,
): number {
  response.setHeader('connection', 'close')
  const { status, headers, body } = CALLER_DIALECTS[dialect].refusal(refusal, null)
  for (let i = 0; i < headers.length; i += 2) response.setHeader(headers[i]!, headers[i + 1]!)
  response.setHeader('content-length', body.length)
  response.writeHead(status)
  // `write` and not `end`: Node would close the connection with the end of the answer.
  response.write(body)
  request.resume()
  const close = () => {
    clearTimeout(timer)
    response.end()
  }
  const timer = setTimeout(close, LINGER_MS)
  request.once('end', close)
  request.once('close', close)
  return status
}
