import type { AttemptHandle, AttemptSink } from '../../ports/engine.ts'
import type { EngineEvent } from '../../simulation/engine.ts'
import { JSON_HEADERS } from './attempt.ts'
import type { ReplicaDriver, SequenceListener } from './driver.ts'

/** An attempt whose whole answer is known: refusals, counts of tokens, and embeddings once their prompts are computed. */
export class DirectAttempt implements AttemptHandle, SequenceListener {
  #sink: AttemptSink | null
  readonly #status: number
  readonly #body: () => string
  readonly #driver: ReplicaDriver | null
  readonly #awaited: Set<number>
  #paused = false

  /** @param wait sequences that must have finished before the answer is given; none gives it as soon as may be */
  constructor(
    sink: AttemptSink,
    answer: { readonly status: number; readonly body: () => string },
    wait: { readonly driver: ReplicaDriver; readonly sequences: readonly number[] } | null,
  ) {
    this.#sink = sink
    this.#status = answer.status
    this.#body = answer.body
    this.#driver = wait?.driver ?? null
    this.#awaited = new Set(wait?.sequences)
    if (wait === null) queueMicrotask(() => this.flush())
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    queueMicrotask(() => this.flush())
  }

  abort(): void {
    this.#sink = null
    for (const sequence of this.#awaited) this.#driver?.remove(sequence)
    this.#awaited.clear()
  }

  /** Ends an attempt whose engine went away. */
  cut(message: string): void {
    const sink = this.#sink
    this.abort()
    sink?.fail({ kind: 'unreachable', message })
  }

  heard(event: EngineEvent): void {
    if (event.kind === 'finished') this.#awaited.delete(event.id)
  }

  flush(): void {
    const sink = this.#sink
    if (sink === null || this.#paused || this.#awaited.size > 0) return
    sink.head(this.#status, JSON_HEADERS)
    // The sink may break off whenever it is called.
    if (this.#sink !== null) sink.data(Buffer.from(this.#body()))
    if (this.#sink === null) return
    this.#sink = null
    sink.end()
  }
}
