import type { ServerResponse } from 'node:http'
import type { RawHeaders } from '../ports/engine.ts'
import type { Reply } from '../ports/reply.ts'

/** How long a caller may take nothing of what was sent before it counts as gone. */
const STALLED_MS = 120_000
/** Up to here, copying the body costs less than a second piece in the write. */
const ONE_WRITE_BYTES = 16_384

/** The caller's side of a call over `node:http`. */
export class HttpReply implements Reply {
  onLeft: (() => void) | null = null
  readonly #response: ServerResponse
  #onDrain: (() => void) | null = null
  #drainHeard = false
  #stall: NodeJS.Timeout | null = null

  /** @param closed called once when the exchange is over, however it went */
  constructor(response: ServerResponse, closed: () => void) {
    this.#response = response
    response.on('close', () => {
      this.#clearStall()
      if (!response.writableEnded) this.onLeft?.()
      closed()
    })
    // A write to a connection that broke meanwhile; `close` tells of it.
    response.on('error', () => {})
  }

  get headSent(): boolean {
    return this.#response.headersSent
  }

  get onDrain(): (() => void) | null {
    return this.#onDrain
  }

  set onDrain(callback: (() => void) | null) {
    this.#onDrain = callback
    // Few replies ever fill up, so the listener is added by the first that does.
    if (callback === null || this.#drainHeard) return
    this.#drainHeard = true
    this.#response.on('drain', () => {
      this.#clearStall()
      this.#onDrain?.()
    })
  }

  head(status: number, headers: RawHeaders): void {
    if (this.#response.destroyed || this.#response.headersSent) return
    this.#response.writeHead(status, headers as string[])
  }

  write(bytes: Uint8Array): boolean {
    if (this.#response.destroyed) return true
    if (this.#response.write(bytes)) return true
    this.#stall ??= setTimeout(() => this.#response.destroy(), STALLED_MS)
    return false
  }

  end(bytes?: Uint8Array): void {
    if (this.#response.destroyed) return
    if (bytes === undefined || bytes.length === 0) this.#response.end()
    else if (bytes.length > ONE_WRITE_BYTES) this.#response.end(bytes)
    // Node joins the headers with a body that is a string, so that both leave in one write; latin1 keeps every byte.
    else this.#response.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'), 'latin1')
  }

  cut(): void {
    this.#response.destroy()
  }

  #clearStall(): void {
    if (this.#stall === null) return
    clearTimeout(this.#stall)
    this.#stall = null
  }
}
