import type { Dispatcher, Pool } from 'undici'
import type { AttemptHandle, AttemptSink, TransportFailure } from '../../ports/engine.ts'

/** How an attempt was broken off by ourselves; undici wants an error for it. */
const ABORTED = new Error('the attempt was broken off')

/** What callers are told; the words of the client would name addresses that are not theirs to know. */
const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refused the connection',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ECONNRESET: 'it reset the connection',
  EPIPE: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'it took no connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'it said nothing for too long',
  UND_ERR_BODY_TIMEOUT: 'it said nothing for too long',
  UND_ERR_HEADERS_OVERFLOW: 'its headers are too large',
  UND_ERR_INVALID_ARG: 'a header of the call can not be sent',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'its answer is not as long as it said',
  HPE_INVALID_CONSTANT: 'what it sent is no HTTP',
}

const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_RESPONSE_TIMEOUT'])

/** One request on a pool: undici's events in, the sink's calls out, each exactly as the port promises. */
export class AttemptDispatch implements AttemptHandle {
  #sink: AttemptSink | null
  #controller: Dispatcher.DispatchController | null = null
  #headSeen = false
  #paused = false

  constructor(sink: AttemptSink) {
    this.#sink = sink
  }

  start(pool: Pool, options: Dispatcher.DispatchOptions): void {
    try {
      pool.dispatch(options, this)
    } catch (error) {
      // Invalid header values and the like: told later, since the sink must not be called within `attempt`.
      queueMicrotask(() => this.onResponseError(this.#controller, error as Error))
    }
  }

  pause(): void {
    this.#paused = true
    this.#controller?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#controller?.resume()
  }

  abort(): void {
    if (!this.#sink) return
    this.#sink = null
    this.#controller?.abort(ABORTED)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (!this.#sink) controller.abort(ABORTED)
    else if (this.#paused) controller.pause()
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200 || !this.#sink) return
    this.#headSeen = true
    const raw: string[] = []
    for (const name in headers) {
      const value = headers[name]
      if (typeof value === 'string') raw.push(name, value)
      else if (value) for (const one of value) raw.push(name, one)
    }
    this.#sink.head(status, raw)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#sink?.data(chunk)
  }

  onResponseEnd(): void {
    const sink = this.#sink
    this.#sink = null
    sink?.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const sink = this.#sink
    this.#sink = null
    sink?.fail(this.#failureOf(error))
  }

  #failureOf(error: Error & { code?: string }): TransportFailure {
    const { code = '' } = error
    const message = SENTENCES[code] ?? 'the connection broke'
    if (TIMEOUTS.has(code)) return { kind: 'timedOut', message }
    return { kind: this.#headSeen ? 'cut' : 'unreachable', message }
  }
}
