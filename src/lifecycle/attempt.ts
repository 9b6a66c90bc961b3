import { outcomeOfFailure, outcomeOfStatus } from '../policy/attempts/outcome.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import type { AttemptHandle, AttemptSink, EngineClient, RawHeaders, TransportFailure } from '../ports/engine.ts'
import type { StreamEnd, StreamReader } from '../ports/wire.ts'
import type { EpochMs, MonotonicMs } from '../units/time.ts'
import type { Deployment } from '../vocabulary/deployment.ts'
import type { AttemptOutcome } from '../vocabulary/outcome.ts'
import type { Resilience } from '../vocabulary/resilience.ts'
import type { Call } from './call.ts'
import { Watch } from './watch.ts'
import type { LifecycleBounds } from './world.ts'

/** What an attempt tells the life that it belongs to. */
export interface AttemptOwner {
  /** A stream began: its status and headers may go to the caller. */
  streamBegan(attempt: Attempt): void
  /** Bytes of a stream that may be shown. */
  show(attempt: Attempt, bytes: Uint8Array): void
  /** More of a stream was read, shown or not. */
  grew(attempt: Attempt): void
  /** It is over, however it went; `outcome` and the rest of its fields are final. */
  attemptEnded(attempt: Attempt): void
}

/** One attempt at one deployment: reads what comes back, whole or as a stream, and says how it ended. */
export class Attempt implements AttemptSink {
  readonly deployment: Deployment
  readonly startedAt: EpochMs
  readonly started: MonotonicMs
  outcome: AttemptOutcome | null = null
  status: number | null = null
  headers: RawHeaders = []
  /** Why no whole answer came, for the refusal's sentence. */
  failure: TransportFailure | null = null
  headAt: MonotonicMs | null = null
  firstTokenAt: MonotonicMs | null = null
  endedAt: MonotonicMs | null = null
  reader: StreamReader | null = null
  streamEnd: StreamEnd | null = null
  /** Ended because a limit had no room for more. */
  limited = false
  readonly #call: Call
  readonly #owner: AttemptOwner
  readonly #clock: Clock
  readonly #bounds: LifecycleBounds
  #handle: AttemptHandle | null = null
  #pieces: Uint8Array[] = []
  #pieceBytes = 0
  #cancelLinger: Cancel | null = null
  readonly #watch: Watch

  constructor(call: Call, deployment: Deployment, owner: AttemptOwner, clock: Clock, bounds: LifecycleBounds) {
    this.#call = call
    this.#owner = owner
    this.#clock = clock
    this.#bounds = bounds
    this.deployment = deployment
    this.startedAt = clock.now()
    this.started = clock.monotonic()
    this.#watch = new Watch(clock, outcome => this.abandon(outcome))
  }

  start(engine: EngineClient, { timeLimits, connectMs }: Resilience): void {
    const { wire, query, headers, body } = this.#call
    this.#watch.start(timeLimits, body.streamed)
    this.#handle = engine.attempt(
      {
        deployment: this.deployment,
        endpoint: wire.endpoint,
        query,
        headers,
        body: body.forUpstream(this.deployment.model),
        streamed: body.streamed,
        replica: 0,
        connectMs,
      },
      this,
    )
  }

  /** Bytes of a plain answer so far, whole or not. */
  get answerBytes(): number {
    return this.#pieceBytes
  }

  /** The whole plain answer; empty for a stream. */
  answer(): Uint8Array {
    if (this.#pieces.length === 1) return this.#pieces[0]!
    return Buffer.concat(this.#pieces, this.#pieceBytes)
  }

  pause(): void {
    this.#watch.rest()
    this.#handle?.pause()
  }

  resume(): void {
    this.#watch.heard()
    this.#handle?.resume()
  }

  /** Breaks the attempt off because nobody waits for it any more; it ends with this outcome. */
  abandon(outcome: AttemptOutcome): void {
    if (this.outcome !== null) return
    this.#handle?.abort()
    this.#conclude(outcome)
  }

  /** Ends a stream in the middle because a limit has no room for more of it. */
  endAtLimit(): void {
    this.limited = true
    this.abandon('completed')
  }

  head(status: number, headers: RawHeaders): void {
    this.headAt = this.#clock.monotonic()
    this.status = status
    this.headers = headers
    if (!mayHaveBody(status) || !this.#call.body.streamed || !isEventStream(headers)) return
    if (headerIn(headers, 'content-encoding', 'identity') !== 'identity') {
      this.failure = { kind: 'cut', message: 'the stream came compressed, though it was asked for as it is' }
      this.abandon('malformed')
      return
    }
    this.reader = this.#call.wire.openStream(this.#call.body)
    this.#watch.heard()
    this.#owner.streamBegan(this)
  }

  data(chunk: Uint8Array): void {
    if (this.outcome !== null) return
    if (this.reader === null) return this.#gather(chunk)
    this.#watch.heard()
    const shown = this.reader.push(chunk)
    if (this.firstTokenAt === null && this.reader.sawContent) {
      this.firstTokenAt = this.#clock.monotonic()
      this.#watch.sawContent()
    }
    if (shown !== null) this.#owner.show(this, shown)
    if (this.reader.ended) return this.#endStream(false)
    this.#owner.grew(this)
  }

  end(): void {
    this.#cancelLinger?.()
    if (this.outcome !== null) return
    if (this.reader !== null) return this.#endStream(true)
    const outcome = outcomeOfStatus(this.status ?? 0)
    this.#conclude(outcome)
  }

  fail(failure: TransportFailure): void {
    this.#cancelLinger?.()
    if (this.outcome !== null) return
    this.failure = failure
    if (this.reader !== null) this.streamEnd = this.reader.finish()
    // A reset after the last event took nothing away: the caller has the whole answer.
    this.#conclude(this.streamEnd?.whole ? 'completed' : outcomeOfFailure(failure.kind))
  }

  #gather(chunk: Uint8Array): void {
    this.#pieceBytes += chunk.length
    if (this.#pieceBytes > this.#bounds.answerBytes) {
      this.failure = { kind: 'cut', message: `the answer is larger than ${this.#bounds.answerBytes} bytes` }
      this.#pieces = []
      this.#pieceBytes = 0
      this.abandon('malformed')
      return
    }
    this.#pieces.push(chunk)
  }

  #endStream(bodyEnded: boolean): void {
    const reader = this.reader!
    this.streamEnd = reader.finish()
    if (reader.ended && !bodyEnded) this.#closeLater()
    if (reader.sawError) this.#conclude('serverError')
    else this.#conclude(this.streamEnd.whole ? 'completed' : 'cut')
  }

  /** The terminal event came, the end of the body may take its time: it is waited for, so that the connection can be used again. */
  #closeLater(): void {
    const handle = this.#handle
    this.#cancelLinger = this.#clock.after(this.#bounds.lingerMs, () => handle?.abort())
  }

  #conclude(outcome: AttemptOutcome): void {
    this.#watch.end()
    this.outcome = outcome
    this.endedAt = this.#clock.monotonic()
    this.#owner.attemptEnded(this)
  }
}

/** Success with something to read: 204 and 205 end with their headers. */
function mayHaveBody(status: number): boolean {
  return status >= 200 && status < 300 && status !== 204 && status !== 205
}

function isEventStream(headers: RawHeaders): boolean {
  return headerIn(headers, 'content-type', '').startsWith('text/event-stream')
}

/** A header's value in lower case; `absent` when it is not there. */
function headerIn(headers: RawHeaders, name: string, absent: string): string {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) return headers[i + 1]!.trim().toLowerCase()
  }
  return absent
}
