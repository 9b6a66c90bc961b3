import type { AttemptSink, RawHeaders, TransportFailure } from '../../ports/engine.ts'
import type { FaultyAttempt } from './attempt.ts'
import { type PassingFrame, PassingFrames } from './frames.ts'
import { isEventStream } from './spoil.ts'

/** Frames that wait before the upstream is held back. */
const MAX_WAITING_FRAMES = 64

/** Lets each frame with content wait, one behind the other, once the fault has begun. */
export class Drip implements AttemptSink {
  readonly #attempt: FaultyAttempt
  #frames: PassingFrames | null = null
  readonly #waiting: PassingFrame[] = []
  #content = 0
  #sleeping = false
  /** How the answer ends, behind the frames that wait. */
  #last: (() => void) | null = null

  constructor(attempt: FaultyAttempt) {
    this.#attempt = attempt
  }

  head(status: number, headers: RawHeaders): void {
    if (status < 300 && isEventStream(headers)) this.#frames = new PassingFrames(this.#attempt.request.endpoint)
    this.#attempt.outlet.head(status, headers)
  }

  data(chunk: Uint8Array): void {
    if (this.#frames === null) return this.#attempt.outlet.data(chunk)
    this.#waiting.push(...this.#frames.push(chunk))
    this.#show()
  }

  end(): void {
    this.#finish(() => this.#attempt.outlet.end())
  }

  fail(failure: TransportFailure): void {
    this.#finish(() => this.#attempt.outlet.fail(failure))
  }

  #finish(last: () => void): void {
    if (this.#frames !== null) {
      this.#waiting.push({ bytes: this.#frames.rest(), hasContent: false, isTerminal: false })
    }
    this.#last = last
    this.#show()
  }

  #show(): void {
    const { fault, outlet } = this.#attempt
    while (!this.#sleeping && this.#waiting.length > 0) {
      const frame = this.#waiting.shift()!
      if (frame.hasContent && ++this.#content > fault.tokens) {
        this.#sleeping = true
        this.#attempt.after(fault.waitMs, () => {
          this.#sleeping = false
          outlet.data(frame.bytes)
          this.#show()
        })
      } else outlet.data(frame.bytes)
    }
    this.#attempt.holdBack(this.#waiting.length >= MAX_WAITING_FRAMES)
    if (!this.#sleeping && this.#waiting.length === 0) this.#last?.()
  }
}
