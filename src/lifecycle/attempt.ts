import { outcomeOfFailure, outcomeOfStatus } from '../policy/attempts/outcome.ts'
import { forbidsRetry, quietUntil } from '../policy/attempts/retry-after.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import type {
  AttemptHandle,
  AttemptSink,
  EngineClient,
  RawHeaders,
  ReplicaAddress,
  TransportFailure,
} from '../ports/engine.ts'
import type { AnswerSummary, Continuation, GoOn, StreamEnd, StreamReader } from '../ports/wire.ts'
import type { DurationMs, EpochMs, MonotonicMs } from '../units/time.ts'
import type { Deployment } from '../vocabulary/deployment.ts'
import type { AttemptOutcome } from '../vocabulary/outcome.ts'
import type { Resilience } from '../vocabulary/resilience.ts'
import type { RouteRecord } from '../vocabulary/route.ts'
import type { PlacementRecord } from '../vocabulary/scheduling.ts'
import type { Call } from './call.ts'
import { Watch } from './watch.ts'
import type { LifecycleBounds } from './world.ts'

/** So often a stream may say the caller's instructions and tools again before its content, as OpenAI's responses do. */
const ECHOES = 3

/** So long what comes before the first content is kept back where nobody else would be asked in place of a slow one. */
const EARLY_MS: DurationMs = 1_000

/** What an attempt tells those that it belongs to. */
export interface AttemptOwner {
  /** The first content came, or a whole plain answer: the replica is alive. */
  answered(attempt: Attempt): void
  /** A stream has something to show: its status and headers may go to the caller. */
  streamBegan(attempt: Attempt): void
  /** Bytes of a stream that may be shown. */
  show(attempt: Attempt, bytes: Uint8Array): void
  /** More of a stream was read, shown or not. */
  grew(attempt: Attempt): void
  /** It is over, however it went; `outcome` and the rest of its fields are final. */
  attemptEnded(attempt: Attempt): void
}

/** Whom an attempt asks, and for what. */
export interface Errand {
  readonly deployment: Deployment
  readonly replica: number
  /** Its place among the attempts of the call, from 0. */
  readonly place: number
  /** As `UpstreamRequest` has it. */
  readonly address: ReplicaAddress | null
  /** What the scheduler expected; null where it had no part in it. */
  readonly placement: PlacementRecord | null
  /** Why it goes there; null where there was no choice. */
  readonly route: RouteRecord | null
  /** To go on with what another one began; null for the whole answer. */
  readonly continuation: Continuation | null
  /** How it is asked to go on; null for the whole answer. */
  readonly goOn: GoOn | null
}

/** One attempt at one replica of a deployment: reads what comes back, whole or as a stream, and says how it ended. */
export class Attempt implements AttemptSink {
  readonly errand: Errand
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
  /** What a plain answer says; null for streams, errors and answers that did not come whole. */
  summary: AnswerSummary | null = null
  /** Something of it was shown, or may be. */
  begun = false
  /** Ended because a limit had no room for more. */
  limited = false
  /** A continuation whose text does not go on from what was shown. */
  disagrees = false
  /** Broken off by a bound of the caller or a stop of the gateway, which says nothing of the upstream. */
  isOurs = false
  /** Broken off before anything was sent, so that no upstream has anything to bill. */
  isUnsent = false
  /** When the upstream may be asked again by its own word. */
  quietUntil: EpochMs | null = null
  readonly #call: Call
  readonly #owner: AttemptOwner
  readonly #clock: Clock
  readonly #bounds: LifecycleBounds
  #handle: AttemptHandle | null = null
  /** Nothing is shown before the first content. */
  #withholds = true
  #pieces: Uint8Array[] = []
  #pieceBytes = 0
  #cancelLinger: Cancel | null = null
  #cancelSoon: Cancel | null = null
  readonly #watch: Watch

  constructor(call: Call, errand: Errand, owner: AttemptOwner, clock: Clock, bounds: LifecycleBounds) {
    this.#call = call
    this.errand = errand
    this.#owner = owner
    this.#clock = clock
    this.#bounds = bounds
    this.startedAt = clock.now()
    this.started = clock.monotonic()
    this.#watch = new Watch(clock, outcome => this.abandon(outcome))
  }

  get deployment(): Deployment {
    return this.errand.deployment
  }

  start(engine: EngineClient, { timeLimits, connectMs }: Resilience): void {
    const { wire, query, headers, body } = this.#call
    const { deployment, replica, continuation } = this.errand
    // A lone upstream without a bound on its first token is waited for anyhow: what comes before it is shown after a while.
    this.#withholds = timeLimits.firstTokenMs !== null || deployment.replicas > 1
    this.#watch.start(timeLimits, body.streamed)
    this.#handle = engine.attempt(
      {
        deployment,
        endpoint: wire.endpoint,
        query,
        headers,
        body: continuation === null ? body.forUpstream(deployment.model) : continuation.body,
        streamed: body.streamed,
        replica,
        address: this.errand.address,
        connectMs,
      },
      this,
    )
  }

  /** Bytes of a plain answer so far, whole or not. */
  get answerBytes(): number {
    return this.reader === null ? this.#pieceBytes : 0
  }

  /** The whole plain answer; empty for a stream. */
  answer(): Uint8Array {
    if (this.#pieces.length === 1) return this.#pieces[0]!
    return Buffer.concat(this.#pieces, this.#pieceBytes)
  }

  /** It said that asking again can't help. */
  get isFinal(): boolean {
    return forbidsRetry(this.headers)
  }

  pause(): void {
    this.#watch.rest()
    this.#handle?.pause()
  }

  resume(): void {
    // Before it answers nothing comes that could stop coming.
    if (this.reader !== null) this.#watch.heard()
    this.#handle?.resume()
  }

  /** Breaks the attempt off because nobody waits for it any more; it ends with this outcome. */
  abandon(outcome: AttemptOutcome): void {
    if (this.outcome !== null) return
    this.isUnsent = this.#handle?.isUnsent === true
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
    if (status >= 400) this.quietUntil = quietUntil(headers, this.#clock.now(), Date.parse)
    if (!mayHaveBody(status) || !this.#call.body.streamed || !isEventStream(headers)) return
    if (headerIn(headers, 'content-encoding', 'identity') !== 'identity') {
      return this.#spoil('the stream came compressed, though it was asked for as it is')
    }
    const { continuation } = this.errand
    const { wire, body } = this.#call
    this.reader = continuation === null ? wire.openStream(body, this.#withholds) : continuation.openStream()
    this.#watch.heard()
  }

  data(chunk: Uint8Array): void {
    if (this.outcome !== null) return
    const { reader } = this
    if (reader === null) return this.#gather(chunk)
    this.#watch.heard()
    const shown = reader.push(chunk)
    if (this.firstTokenAt === null && reader.sawContent) {
      this.firstTokenAt = this.#clock.monotonic()
      this.#watch.sawContent()
      this.#owner.answered(this)
    }
    if ('disagrees' in reader && reader.disagrees) return this.#disagree()
    if (shown !== null) this.#pass(shown)
    // Whoever was shown it may have broken the attempt off.
    if (this.outcome !== null) return
    if (reader.ended) return this.#endStream(false)
    if (this.begun) this.#owner.grew(this)
  }

  end(): void {
    this.#cancelLinger?.()
    if (this.outcome !== null) return
    if (this.reader !== null) return this.#endStream(true)
    const outcome = outcomeOfStatus(this.status ?? 0)
    this.#conclude(outcome === 'completed' ? this.#judged() : outcome)
  }

  fail(failure: TransportFailure): void {
    this.#cancelLinger?.()
    if (this.outcome !== null) return
    this.failure = failure
    if (this.reader === null) return this.#conclude(outcomeOfFailure(failure.kind))
    this.streamEnd = this.reader.finish()
    // A reset after the last event took nothing away: the caller has the whole answer.
    if (this.streamEnd.whole) return this.#complete()
    this.#conclude(outcomeOfFailure(failure.kind))
  }

  /** Shows bytes of a stream, or keeps them until there is content among them. */
  #pass(bytes: Uint8Array): void {
    if (this.begun) return this.#owner.show(this, bytes)
    this.#pieceBytes += bytes.length
    const most = this.#bounds.withheldBytes + ECHOES * this.#call.body.promptBytes
    const isFull = this.#pieceBytes > most
    if (isFull && this.#withholds) return this.#spoil(`it sent ${most} bytes without any content`)
    this.#pieces.push(bytes)
    if (this.reader!.sawContent || isFull) this.#begin()
    else if (!this.#withholds) this.#beginSoon()
  }

  /** Many an upstream fails just after its first frame, and may be asked again as long as nothing was shown. */
  #beginSoon(): void {
    this.#cancelSoon ??= this.#clock.after(EARLY_MS, () => {
      if (!this.begun && this.outcome === null) this.#begin()
    })
  }

  #begin(): void {
    this.#cancelSoon?.()
    this.begun = true
    const withheld = this.answer()
    this.#pieces = []
    this.#pieceBytes = 0
    this.#owner.streamBegan(this)
    if (withheld.length > 0) this.#owner.show(this, withheld)
  }

  #gather(chunk: Uint8Array): void {
    this.#pieceBytes += chunk.length
    if (this.#pieceBytes > this.#bounds.answerBytes) {
      return this.#spoil(`the answer is larger than ${this.#bounds.answerBytes} bytes`)
    }
    this.#pieces.push(chunk)
  }

  /** What a plain answer with a status of success really is. */
  #judged(): AttemptOutcome {
    if (this.errand.continuation !== null) return 'malformed'
    this.summary = this.#call.wire.readAnswer(this.answer())
    if (this.summary.sound) {
      this.#owner.answered(this)
      return 'completed'
    }
    return this.summary.error ? 'serverError' : 'malformed'
  }

  #endStream(bodyEnded: boolean): void {
    const reader = this.reader!
    this.streamEnd = reader.finish()
    if ('disagrees' in reader && reader.disagrees) return this.#disagree()
    // What comes behind something unreadable is shown to nobody, and paid for all the same.
    if (reader.malformed) return this.abandon('malformed')
    if (reader.ended && !bodyEnded) this.#closeLater()
    if (reader.sawError) this.#conclude('serverError')
    else if (this.streamEnd.whole) this.#complete()
    else this.#conclude('cut')
  }

  /** A whole stream without any content is shown like any other. */
  #complete(): void {
    if (!this.begun) this.#begin()
    if (this.outcome === null) this.#conclude('completed')
  }

  #disagree(): void {
    this.disagrees = true
    // What it said was shown to nobody.
    this.firstTokenAt = null
    this.failure = { kind: 'cut', message: 'another upstream could not go on from what was shown' }
    this.abandon('malformed')
  }

  #spoil(message: string): void {
    this.failure = { kind: 'cut', message }
    this.#pieces = []
    this.#pieceBytes = 0
    this.abandon('malformed')
  }

  /** The terminal event came, the end of the body may take its time: it is waited for, so that the connection can be used again. */
  #closeLater(): void {
    const handle = this.#handle
    this.#cancelLinger = this.#clock.after(this.#bounds.lingerMs, () => handle?.abort())
  }

  #conclude(outcome: AttemptOutcome): void {
    this.#watch.end()
    this.#cancelSoon?.()
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
