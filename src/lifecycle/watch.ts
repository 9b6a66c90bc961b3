import type { Cancel, Clock } from '../ports/clock.ts'
import type { MonotonicMs } from '../units/time.ts'
import type { AttemptOutcome } from '../vocabulary/outcome.ts'
import type { TimeLimits } from '../vocabulary/resilience.ts'

/** Ends an attempt that takes longer than its model may: to the first content, or in silence. */
export class Watch {
  readonly #clock: Clock
  readonly #tooLong: (outcome: AttemptOutcome) => void
  #cancelFirst: Cancel | null = null
  #cancelIdle: Cancel | null = null
  #idleMs: number | null = null
  /** When the stream was last heard of; null while nobody listens to it. */
  #heardAt: MonotonicMs | null = null

  constructor(clock: Clock, tooLong: (outcome: AttemptOutcome) => void) {
    this.#clock = clock
    this.#tooLong = tooLong
  }

  start({ firstTokenMs, idleMs }: TimeLimits, streamed: boolean): void {
    if (!streamed) return
    this.#idleMs = idleMs
    if (firstTokenMs !== null) {
      this.#cancelFirst = this.#clock.after(firstTokenMs, () => this.#tooLong('firstTokenTimeout'))
    }
  }

  /** Something came. Costs no timer: one that runs looks when it was. */
  heard(): void {
    // Before the first content that limit stands alone: a model may think for longer than it may be silent later.
    if (this.#idleMs === null || this.#cancelFirst !== null) return
    this.#heardAt = this.#clock.monotonic()
    this.#cancelIdle ??= this.#clock.after(this.#idleMs, this.#lookUp)
  }

  /** The stream is not read for a while, so that its silence means nothing. */
  rest(): void {
    this.#heardAt = null
  }

  sawContent(): void {
    this.#cancelFirst?.()
    this.#cancelFirst = null
    this.heard()
  }

  end(): void {
    this.#idleMs = null
    this.sawContent()
    this.#cancelIdle?.()
    this.#cancelIdle = null
  }

  readonly #lookUp = (): void => {
    this.#cancelIdle = null
    if (this.#idleMs === null || this.#heardAt === null) return
    const left = this.#heardAt + this.#idleMs - this.#clock.monotonic()
    if (left > 0) this.#cancelIdle = this.#clock.after(left, this.#lookUp)
    else this.#tooLong('stalled')
  }
}
