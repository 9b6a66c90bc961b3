import type { Dispatcher } from 'undici'
import type { AttemptHandle, AttemptSink } from '../../ports/engine.ts'
import type { DurationMs } from '../../units/time.ts'
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
import { failureOf } from './failures.ts'

/** How an attempt was broken off by ourselves; undici wants an error for it. */
const ABORTED = new Error('the attempt was broken off')

/** Makes the request anew each time, since sending uses a large body up. */
export type MakeRequest = () => Dispatcher.DispatchOptions

/** One request on a connection: undici's events in, the sink's calls out, each exactly as the port promises. */
export class AttemptDispatch implements AttemptHandle {
  #sink: AttemptSink | null
  readonly #connections: Connections
  readonly #connectMs: DurationMs
  /** Null once it is being sent, so that its body can be let go. */
  #request: MakeRequest | null
  #connection: Connection | null = null
  #controller: Dispatcher.DispatchController | null = null
  #dispatching = false
  #headSeen = false
  #paused = false

  constructor(connections: Connections, connectMs: DurationMs, request: MakeRequest, sink: AttemptSink) {
    this.#connections = connections
    this.#connectMs = connectMs
    this.#request = request
    this.#sink = sink
  }

  get isUnsent(): boolean {
    return this.#controller === null
  }

  start(): void {
    this.#dispatch(this.#connections.take())
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
    this.#request = null
    if (this.#controller) this.#controller.abort(ABORTED)
    else void this.#connection?.destroy()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    this.#request = null
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
    if (this.#dispatching) {
      // Invalid header values and the like: told later, since the sink must not be called within `attempt`.
      this.#connection?.release()
      queueMicrotask(() => this.#fail(error))
    } else if (this.#wasNeverSent()) {
      this.#dispatch(this.#connections.add())
    } else {
      this.#fail(error)
    }
  }

  #dispatch(connection: Connection): void {
    const request = this.#request!()
    this.#connection = connection
    this.#dispatching = true
    connection.dispatch(request, this, this.#connectMs)
    this.#dispatching = false
  }

  /**
   * Whether it was given to a kept connection that broke before any of the request was written. Only then is sending it again
   * certain to cost nothing: once written, an upstream may have begun on it, and whether to ask again is for the call to decide.
   */
  #wasNeverSent(): boolean {
    return this.#sink !== null && this.#request !== null && this.#connection!.wasOpen && !this.#connections.closed
  }

  #fail(error: Error): void {
    const sink = this.#sink
    this.#sink = null
    this.#request = null
    sink?.fail(failureOf(error, this.#headSeen))
  }
}
