import { errors, type Pool } from 'undici'
import type { Clock } from '../ports/clock.ts'
import { type Dialect, type Heard, Listener } from './speech.ts'

/** How one played request ended. */
export type Ending =
  | { readonly kind: 'completed'; readonly startedMs: number; readonly endedMs: number; readonly heard: Heard }
  /** `why` is a status such as `429`, or `unreachable`, `cut`, `errorInStream`, `timedOut`, `stopped`. */
  | { readonly kind: 'failed'; readonly why: string; readonly message: string }

/** One request, ready to be sent. */
export interface Outgoing {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly dialect: Dialect
}

/** Bytes of an error's body that are read for its message. */
const MOST_ERROR_BYTES = 4096

async function messageOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body) {
    if (bytes < MOST_ERROR_BYTES) pieces.push(piece)
    bytes += piece.length
  }
  const text = Buffer.concat(pieces).subarray(0, MOST_ERROR_BYTES).toString()
  return /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text.slice(0, 200)
}

/**
 * Sends one streamed call and listens to its answer. Never throws: what goes wrong is an ending too.
 *
 * @param signal breaks the call off
 */
export async function exchange(pool: Pool, outgoing: Outgoing, clock: Clock, signal: AbortSignal): Promise<Ending> {
  const { path, headers, body, dialect } = outgoing
  const listener = new Listener(dialect)
  const startedMs = clock.monotonic()
  let answered = false
  try {
    const answer = await pool.request({ method: 'POST', path, headers, body, signal })
    answered = true
    if (answer.statusCode !== 200) {
      return { kind: 'failed', why: String(answer.statusCode), message: await messageOf(answer.body) }
    }
    for await (const chunk of answer.body) listener.push(chunk as Uint8Array, clock.monotonic())
  } catch (error) {
    return {
      kind: 'failed',
      why: whyOf(error, answered, signal),
      message: error instanceof Error ? error.message : String(error),
    }
  }
  const { heard } = listener
  if (heard.error) return { kind: 'failed', why: 'errorInStream', message: 'the stream carried an error' }
  if (!heard.whole) return { kind: 'failed', why: 'cut', message: 'the stream ended before its last event' }
  return { kind: 'completed', startedMs, endedMs: clock.monotonic(), heard }
}

function whyOf(error: unknown, answered: boolean, signal: AbortSignal): string {
  if (signal.aborted) return signal.reason === 'timedOut' ? 'timedOut' : 'stopped'
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) return 'timedOut'
  return answered ? 'cut' : 'unreachable'
}
