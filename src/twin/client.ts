import type { AttemptHandle, AttemptSink, EngineClient, UpstreamRequest } from '../ports/engine.ts'
import type { EngineEvent, EngineOptions } from '../simulation/engine.ts'
import type { Tokens } from '../units/tokens.ts'
import type { VirtualClock } from './clock.ts'
import { endFrame, FIRST_TOKEN, requestNumber } from './lengths.ts'
import type { ModelledReplica } from './replica.ts'
import type { Played, Traffic } from './traffic.ts'
import { TOO_LONG_STATUS } from './wire.ts'

const STREAM_HEADERS: readonly string[] = ['content-type', 'text/event-stream']
const NO_HEADERS: readonly string[] = []

/** The replicas of an upstream, and how long their sequences may be. */
export interface ModelledEngine {
  readonly replicas: readonly ModelledReplica[]
  readonly options: EngineOptions
  readonly contextTokens: Tokens
}

/** Asks modelled engines as others are asked over HTTP. */
export class ModelledClient implements EngineClient {
  readonly engine: ModelledEngine
  readonly #traffic: Traffic
  readonly #clock: VirtualClock
  /** Attempts that were made: each is a sequence of its own. */
  #sequences = 0

  constructor(engine: ModelledEngine, traffic: Traffic, clock: VirtualClock) {
    this.engine = engine
    this.#traffic = traffic
    this.#clock = clock
  }

  attempt(request: UpstreamRequest, sink: AttemptSink): AttemptHandle {
    const played = this.#traffic.requests[requestNumber(request.body)]!
    const attempt = new ModelledAttempt(sink, this.engine.replicas[request.replica]!, this.#sequences++)
    if (!this.#submit(played, attempt)) this.#clock.soon(() => attempt.refuse())
    return attempt
  }

  async close(): Promise<void> {}

  /** @returns false where the prompt is too long, as engines judge it that cut answers at their context */
  #submit(played: Played, attempt: ModelledAttempt): boolean {
    const { contextTokens, options } = this.engine
    const promptTokens = Math.max(1, played.inputTokens)
    const room = contextTokens - promptTokens
    if (room < 1) return false
    const outputTokens = Math.min(room, Math.max(1, played.outputTokens))
    const hashes = played.source.hashes.ofEngine(played, options.blockTokens)
    return attempt.replica.add({ id: attempt.sequence, promptTokens, outputTokens, hashes }, attempt.heard)
  }
}

class ModelledAttempt implements AttemptHandle {
  readonly replica: ModelledReplica
  readonly sequence: number
  #sink: AttemptSink | null

  constructor(sink: AttemptSink, replica: ModelledReplica, sequence: number) {
    this.#sink = sink
    this.replica = replica
    this.sequence = sequence
  }

  /** Nobody reads slower than a modelled engine writes. */
  pause(): void {}

  resume(): void {}

  abort(): void {
    if (this.#sink === null) return
    this.#sink = null
    this.replica.remove(this.sequence)
  }

  refuse(): void {
    const sink = this.#sink
    this.#sink = null
    sink?.head(TOO_LONG_STATUS, NO_HEADERS)
    sink?.end()
  }

  readonly heard = (event: EngineEvent): void => {
    const sink = this.#sink
    if (sink === null || event.kind === 'preempted' || event.kind === 'tokens') return
    if (event.kind === 'firstToken') {
      sink.head(200, STREAM_HEADERS)
      sink.data(FIRST_TOKEN)
      return
    }
    this.#sink = null
    sink.data(endFrame(event))
    sink.end()
  }
}
