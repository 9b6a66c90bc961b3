import type { Clock } from '../../ports/clock.ts'
import type { AttemptSink, RawHeaders, TransportFailure } from '../../ports/engine.ts'

/** Tells a sink what is left of an answer: nothing while it is paused, nothing behind an end, nothing once it is closed. */
export class Outlet implements AttemptSink {
  #sink: AttemptSink | null
  readonly #clock: Clock
  readonly #ended: () => void
  #waiting: ((sink: AttemptSink) => void)[] = []
  #headTold = false
  #ending = false
  paused = false

  /** @param ended is called once, when nothing more can be told */
  constructor(sink: AttemptSink, clock: Clock, ended: () => void) {
    this.#sink = sink
    this.#clock = clock
    this.#ended = ended
  }

  /** Whether anything can still be told. */
  get isOpen(): boolean {
    return this.#sink !== null
  }

  head(status: number, headers: RawHeaders): void {
    this.#headTold = true
    this.#tell(sink => sink.head(status, headers))
  }

  data(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#tell(sink => sink.data(chunk))
  }

  end(): void {
    this.#tellLast(sink => sink.end())
  }

  fail(failure: TransportFailure): void {
    this.#tellLast(sink => sink.fail(failure))
  }

  /** Fails as a connection does that breaks now. */
  break(message: string): void {
    this.fail({ kind: this.#headTold ? 'cut' : 'unreachable', message })
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    // Told later, since whoever resumes does not expect to be called meanwhile.
    if (this.#waiting.length > 0) this.#clock.after(0, () => this.#flush())
  }

  close(): void {
    if (this.#sink === null) return
    this.#sink = null
    this.#waiting = []
    this.#ended()
  }

  #tellLast(tell: (sink: AttemptSink) => void): void {
    this.#tell(sink => {
      this.close()
      tell(sink)
    })
    this.#ending = true
  }

  #tell(tell: (sink: AttemptSink) => void): void {
    if (this.#sink === null || this.#ending) return
    this.#waiting.push(tell)
    this.#flush()
  }

  #flush(): void {
    // The sink may pause or break off whenever it is called.
    while (!this.paused && this.#sink !== null) {
      const tell = this.#waiting.shift()
      if (tell === undefined) return
      tell(this.#sink)
    }
  }
}
