import type { Endpoint } from '../../vocabulary/dialect.ts'
import { dialectOf } from '../../vocabulary/dialect.ts'
import type { CallId } from '../../vocabulary/id.ts'
import type { Refusal } from '../../vocabulary/refusal.ts'
import { anthropicError, openaiError } from './refusal.ts'

/** The comment that closes a stream. JSON has no raw line ends, so that nothing can break out of the line. */
export function closingComment(fields: Readonly<Record<string, string | boolean | null>>): Uint8Array {
  return Buffer.from(`: penstock ${JSON.stringify(fields)}\n\n`)
}

/** The frame that ends a stream which had shown something and broke. */
export function streamError(endpoint: Endpoint, refusal: Refusal, id: CallId): Uint8Array {
  if (dialectOf(endpoint) === 'anthropic') return errorEvent(anthropicError(refusal, id))
  const error = openaiError(refusal)
  // Clients of the Responses API find the fields of its error event, and those that look for `error` find that.
  if (endpoint === 'responses') {
    return errorEvent({ type: 'error', code: error.code, message: error.message, param: null, error })
  }
  return Buffer.from(`data: ${JSON.stringify({ error })}\n\n`)
}

function errorEvent(data: object): Uint8Array {
  return Buffer.from(`event: error\ndata: ${JSON.stringify(data)}\n\n`)
}
