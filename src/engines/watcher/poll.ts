import type { Cancel, Clock } from '../../ports/clock.ts'
import type { EngineLoad } from '../../ports/fleet.ts'
import type { DurationMs, MonotonicMs } from '../../units/time.ts'
import type { Hear } from './hearing.ts'

/** How often an engine is asked how it is, unless its last answer takes longer. */
export const POLL_EVERY_MS: DurationMs = 500

/** Asks one engine again and again how it is, one question at a time. One that does not say is asked on. */
export class Poll {
  readonly #hear: Hear
  readonly #clock: Clock
  readonly #heard: (load: EngineLoad | null, askedAt: MonotonicMs) => void
  #cancel: Cancel | null = null
  #ended = false

  constructor(hear: Hear, clock: Clock, heard: (load: EngineLoad | null, askedAt: MonotonicMs) => void) {
    this.#hear = hear
    this.#clock = clock
    this.#heard = heard
  }

  start(): void {
    void this.#once()
  }

  /** Nothing is heard any more. */
  end(): void {
    this.#ended = true
    this.#cancel?.()
  }

  async #once(): Promise<void> {
    const askedAt = this.#clock.monotonic()
    const load = await this.#hear()
    if (this.#ended) return
    this.#heard(load, askedAt)
    const took = this.#clock.monotonic() - askedAt
    this.#cancel = this.#clock.after(Math.max(0, POLL_EVERY_MS - took), () => this.start())
  }
}
