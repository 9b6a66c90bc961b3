import type { ServerResponse } from 'node:http'
import type { RawHeaders } from '../ports/engine.ts'
import type { Reply } from '../ports/reply.ts'

/** The caller's side of a call over `node:http`. */
export class HttpReply implements Reply {
  onLeft: (() => void) | null = null
  readonly #response: ServerResponse
  #onDrain: (() => void) | null = null
  #drainHeard = false

  constructor(response: ServerResponse) {
    this.#response = response
    response.on('close', () => {
      if (!response.writableEnded) this.onLeft?.()
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
    this.#response.on('drain', () => this.#onDrain?.())
  }

  head(status: number, headers: RawHeaders): void {
    if (this.#response.destroyed || this.#response.headersSent) return
    this.#response.writeHead(status, headers as string[])
  }

  write(bytes: Uint8Array): boolean {
    if (this.#response.destroyed) return true
    return this.#response.write(bytes)
  }

  end(bytes?: Uint8Array): void {
    if (this.#response.destroyed) return
    if (bytes !== undefined && bytes.length > 0) this.#response.end(bytes)
    else this.#response.end()
  }

  cut(): void {
    this.#response.destroy()
  }
}
