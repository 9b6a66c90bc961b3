import type { MessagePort, Worker } from 'node:worker_threads'

/** The end of a line between two threads. */
export interface Line {
  send(message: unknown): void
  hear(listener: (message: unknown) => void): void
}

/** @param port a port, or a thread as who started it has it */
export function lineOver(port: MessagePort | Worker): Line {
  return {
    // Both take messages alike, but their types have no form in common.
    send: message => ('threadId' in port ? port.postMessage(message) : port.postMessage(message)),
    hear(listener) {
      if ('threadId' in port) port.on('message', listener)
      else port.on('message', listener)
    },
  }
}

/** Sends what one turn of the event loop brings in one message: a message costs more than what is in it. */
export class Channel<Sent> {
  readonly #line: Line
  #waiting: Sent[] = []
  #isClosed = false

  constructor(line: Line) {
    this.#line = line
  }

  send(message: Sent): void {
    if (this.#isClosed) return
    this.#waiting.push(message)
    if (this.#waiting.length === 1) setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    const messages = this.#waiting
    this.#waiting = []
    if (!this.#isClosed && messages.length > 0) this.#line.send(messages)
  }

  /** Sends what waits at once. */
  flush(): void {
    this.#flush()
  }

  close(): void {
    this.#isClosed = true
  }
}

/** Hears every message of the other side, in order. */
export function hear<Heard>(line: Line, listener: (message: Heard) => void): void {
  line.hear(messages => {
    for (const message of messages as readonly Heard[]) listener(message)
  })
}
