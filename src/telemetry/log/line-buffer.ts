/** Where lines go in the end: pino's destination, or whatever stands in for it in a test. */
export interface LineSink {
  write(text: string): unknown
  flushSync(): void
  /** Writes what waits, then emits `close`. */
  end(): void
  on(event: 'drop', listener: (text: string) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  once(event: 'close', listener: () => void): unknown
}

const FLUSH_CHARACTERS = 16_384
const FLUSH_AFTER_MS = 100
const CLOSE_WITHIN_MS = 2_000

/**
 * Gathers lines and hands them on some dozens at a time: handing on costs five times what making a line does. What is
 * gathered waits at most a tenth of a second.
 */
export class LineBuffer {
  readonly #sink: LineSink
  readonly #atExit = () => {
    this.flush()
    this.#sink.flushSync()
  }
  #pending = ''
  #timer: NodeJS.Timeout | null = null
  /** Lines' bytes that nobody took, because whoever reads the log was too slow. */
  droppedBytes = 0

  constructor(sink: LineSink) {
    this.#sink = sink
    sink.on('drop', text => {
      this.droppedBytes += text.length
    })
    // A log that cannot be written, such as to a full disk or a closed terminal, must not end the calls.
    sink.on('error', () => {})
    process.once('exit', this.#atExit)
  }

  write(line: string): void {
    this.#pending += line
    if (this.#pending.length >= FLUSH_CHARACTERS) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS).unref()
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#pending === '') return
    const text = this.#pending
    this.#pending = ''
    this.#sink.write(text)
  }

  /** Resolves when everything is written, or after two seconds when whoever reads the log has stopped. */
  close(): Promise<void> {
    process.off('exit', this.#atExit)
    this.flush()
    return new Promise(resolve => {
      const timer = setTimeout(resolve, CLOSE_WITHIN_MS)
      this.#sink.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
      this.#sink.end()
    })
  }
}
