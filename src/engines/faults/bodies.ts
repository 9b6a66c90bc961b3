import type { RawHeaders } from '../../ports/engine.ts'
import type { EpochMs } from '../../units/time.ts'
import { dialectOf, type Endpoint } from '../../vocabulary/dialect.ts'
import type { Fault } from './plan.ts'

export const JSON_HEADERS: RawHeaders = ['content-type', 'application/json']
export const STREAM_HEADERS: RawHeaders = ['content-type', 'text/event-stream; charset=utf-8']
export const HTML_HEADERS: RawHeaders = ['content-type', 'text/html; charset=utf-8']

export const HTML =
  '<!doctype html>\n<html><head><title>Sign in</title></head><body>A rehearsed failure.</body></html>\n'
/** What a stream has between its frames where the wire was disturbed: it looks like a frame and is none. */
export const GARBAGE_FRAME = 'data: {"rehearsed": [\u0001\n\n'
export const GARBAGE = '\u0001{"rehearsed": ['
/** Keeps a connection alive and says nothing: a comment to a stream, white space before a JSON document. */
export const STREAM_KEEP_ALIVE = ': still here\n\n'
export const PLAIN_KEEP_ALIVE = '\n'

const MESSAGE = 'A rehearsed failure: the gateway was started with a plan of faults.'

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  422: 'invalid_request_error',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

/** An error as the endpoint's dialect words it. */
function errorOf(endpoint: Endpoint, status: number): object {
  if (dialectOf(endpoint) === 'anthropic') {
    const type = ANTHROPIC_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
    return { type: 'error', error: { type, message: MESSAGE } }
  }
  const limited = status === 429 ? 'rate_limit_exceeded' : null
  const type = limited ?? (status < 500 ? 'invalid_request_error' : 'server_error')
  return { error: { message: MESSAGE, type, param: null, code: limited } }
}

export function errorBody(endpoint: Endpoint, status: number): string {
  return JSON.stringify(errorOf(endpoint, status))
}

/** The event by which a stream says that it failed. */
export function errorFrame(endpoint: Endpoint): string {
  if (endpoint === 'responses') {
    const event = { type: 'error', code: 'server_error', message: MESSAGE, param: null }
    return `event: error\ndata: ${JSON.stringify(event)}\n\n`
  }
  const data = `data: ${errorBody(endpoint, 500)}\n\n`
  return dialectOf(endpoint) === 'anthropic' ? `event: error\n${data}` : data
}

/** When an upstream wants to be asked again, in the form that the fault has. */
export function retryAfterHeaders({ retryAfter }: Fault, now: EpochMs): RawHeaders {
  if (retryAfter === null) return []
  const { ms, form } = retryAfter
  if (form === 'milliseconds') return ['retry-after-ms', String(ms)]
  if (form === 'seconds') return ['retry-after', String(Math.ceil(ms / 1_000))]
  // A date is whole seconds: never sooner than was said.
  return ['retry-after', new Date(Math.ceil((now + ms) / 1_000) * 1_000).toUTCString()]
}
