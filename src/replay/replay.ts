import { Pool } from 'undici'
import type { Cancel, Clock } from '../ports/clock.ts'
import type { Trace, TraceRequest } from '../traces/trace.ts'
import { Agenda, type Pace } from './agenda.ts'
import { type Ending, exchange, type Outgoing } from './exchange.ts'
import { writePrompt } from './prompt.ts'
import { type ReplayReport, Tally } from './report.ts'
import { type LengthOptions, lengthsFor, type ShapedRequest } from './shape.ts'
import type { Dialect } from './speech.ts'
import { targetOf } from './target.ts'

/** Requests under way at once when the caller names no other number. */
export const MOST_IN_FLIGHT = 1024
/** A call that takes longer is broken off and counted as `timedOut`. */
export const CALL_TIMEOUT_MS = 600_000
const PROGRESS_MS = 200

export interface ReplayProgress {
  readonly requests: number
  readonly inFlight: number
  readonly completed: number
  readonly failed: number
  readonly shed: number
  /** Since the beginning. */
  readonly elapsedMs: number
}

export interface ReplayOptions extends LengthOptions {
  readonly trace: Trace
  /** Of the gateway, such as `http://127.0.0.1:4000`; one without a path gets `/v1`. */
  readonly url: string
  /** Sent as the dialect sends it; null for none. */
  readonly key: string | null
  /** Asked for by every request; null for the model that the trace names. */
  readonly model: string | null
  readonly dialect: Dialect
  /** Recorded seconds per second; 1 when not said. */
  readonly speed?: number
  readonly pace?: Pace
  /** Asks engines to go on to the recorded length; hosted APIs know no such field. */
  readonly ignoreEos?: boolean
  readonly mostInFlight?: number
  readonly callTimeoutMs?: number
  /** Stops the replay: nothing more is sent, calls under way are broken off. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ReplayProgress) => void
  readonly clock: Clock
}

function headersOf(options: ReplayOptions, request: TraceRequest): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (options.dialect === 'anthropic') headers['anthropic-version'] = '2023-06-01'
  if (options.key !== null) {
    if (options.dialect === 'anthropic') headers['x-api-key'] = options.key
    else headers.authorization = `Bearer ${options.key}`
  }
  // What follows comes from a file: only what a header's value may hold is sent.
  const plain = (text: string) => text.replace(/[^\w./-]+/g, '-').slice(0, 100)
  if (request.session !== null) headers['x-penstock-run'] = plain(request.session)
  if (request.tenant !== null) headers['x-penstock-tag'] = `tenant=${plain(request.tenant)}`
  return headers
}

function bodyOf(options: ReplayOptions, model: string, request: TraceRequest, shaped: ShapedRequest): Buffer {
  const head =
    options.dialect === 'openai'
      ? { model, stream: true, stream_options: { include_usage: true }, max_completion_tokens: shaped.outputTokens }
      : { model, stream: true, max_tokens: shaped.outputTokens }
  const extra = options.ignoreEos ? { ignore_eos: true } : {}
  // The prompt is letters and spaces, so its bytes stand in JSON as they are.
  const opening = `${JSON.stringify({ ...head, ...extra }).slice(0, -1)},"messages":[{"role":"user","content":"`
  return Buffer.concat([Buffer.from(opening), writePrompt(request, shaped.prompt), Buffer.from('"}]}')])
}

/** One replay under way. */
class Replay {
  readonly #options: ReplayOptions
  readonly #shape: (request: TraceRequest, index: number) => ShapedRequest
  readonly #agenda: Agenda
  readonly #pool: Pool
  readonly #path: string
  readonly #mostInFlight: number
  readonly #tally = new Tally()
  readonly #underWay = new Set<AbortController>()
  readonly #beganMs: number
  #cancelTimer: Cancel = () => {}
  #stopped = false
  #lastEndMs = 0
  #reportedMs = Number.NEGATIVE_INFINITY
  #done: () => void = () => {}

  constructor(options: ReplayOptions) {
    const { speed = 1, pace = 'recorded', mostInFlight = MOST_IN_FLIGHT, url, dialect, trace } = options
    if (!(speed > 0)) throw new RangeError('expected a speed above 0')
    if (!(mostInFlight >= 1)) throw new RangeError('expected at least 1 request in flight')
    const nameless = options.model === null && trace.requests.some(({ model }) => model === null)
    if (nameless) throw new RangeError('expected a model to ask for: this trace names none')
    const { origin, path } = targetOf(url, dialect)
    this.#options = options
    this.#shape = lengthsFor(trace, options)
    this.#agenda = new Agenda(trace, pace, speed)
    this.#mostInFlight = mostInFlight
    this.#path = path
    this.#pool = new Pool(origin, { connections: mostInFlight, headersTimeout: 0, bodyTimeout: 0 })
    this.#beganMs = options.clock.monotonic()
  }

  async run(): Promise<ReplayReport> {
    const { signal, trace } = this.#options
    const stop = () => this.#stop()
    signal?.addEventListener('abort', stop)
    await new Promise<void>(done => {
      this.#done = done
      if (signal?.aborted) this.#stopped = true
      this.#send()
    })
    signal?.removeEventListener('abort', stop)
    await this.#pool.destroy()
    this.#progress(true)
    return this.#tally.report(trace.requests.length, this.#lastEndMs)
  }

  #elapsedMs(): number {
    return this.#options.clock.monotonic() - this.#beganMs
  }

  #stop(): void {
    this.#stopped = true
    this.#cancelTimer()
    for (const controller of this.#underWay) controller.abort('stopped')
    this.#send()
  }

  /** Sends what is due and sleeps until more is. */
  #send(): void {
    this.#cancelTimer()
    for (;;) {
      const due = this.#stopped ? null : this.#agenda.take(this.#elapsedMs())
      if (!due) break
      if (this.#underWay.size < this.#mostInFlight) this.#start(due.request, due.dueMs)
      else {
        this.#tally.shed++
        this.#agenda.ended(due.request, this.#elapsedMs())
      }
    }
    this.#progress(false)
    if (this.#underWay.size === 0 && (this.#stopped || this.#agenda.empty)) this.#done()
    else if (!this.#stopped) this.#sleep()
  }

  #sleep(): void {
    const next = this.#agenda.nextMs
    if (next === null && !this.#options.onProgress) return
    const untilDue = (next ?? Number.POSITIVE_INFINITY) - this.#elapsedMs()
    const delay = Math.max(0, this.#options.onProgress ? Math.min(untilDue, PROGRESS_MS) : untilDue)
    this.#cancelTimer = this.#options.clock.after(delay, () => this.#send())
  }

  #start(index: number, dueMs: number): void {
    const { clock, trace, dialect, callTimeoutMs = CALL_TIMEOUT_MS } = this.#options
    const request = trace.requests[index]!
    const shaped = this.#shape(request, index)
    const outgoing: Outgoing = {
      path: this.#path,
      headers: headersOf(this.#options, request),
      body: bodyOf(this.#options, this.#options.model ?? request.model!, request, shaped),
      dialect,
    }
    const controller = new AbortController()
    this.#underWay.add(controller)
    const cancelTimeout = clock.after(callTimeoutMs, () => controller.abort('timedOut'))
    this.#tally.started(this.#elapsedMs() - dueMs, shaped.shortened, this.#underWay.size)
    void exchange(this.#pool, outgoing, clock, controller.signal).then(ending => {
      cancelTimeout()
      this.#underWay.delete(controller)
      this.#ended(index, ending)
    })
  }

  #ended(index: number, ending: Ending): void {
    this.#tally.ended(ending)
    this.#lastEndMs = this.#elapsedMs()
    this.#agenda.ended(index, this.#lastEndMs)
    this.#send()
  }

  #progress(last: boolean): void {
    const elapsedMs = this.#elapsedMs()
    if (!this.#options.onProgress || (!last && elapsedMs - this.#reportedMs < PROGRESS_MS)) return
    this.#reportedMs = elapsedMs
    const { completed, failed, shed } = this.#tally
    const requests = this.#options.trace.requests.length
    this.#options.onProgress({ requests, inFlight: this.#underWay.size, completed, failed, shed, elapsedMs })
  }
}

/**
 * Plays a trace against a gateway: requests leave at their recorded time, divided by the speed, whether or not earlier
 * ones have ended (unless the pace is `thinking`). Prompts are plain words of the recorded lengths that share the
 * recorded prefixes. What does not fit into `mostInFlight` is shed and counted. Nothing is retried.
 *
 * @throws RangeError when the options make no sense; what goes wrong with calls is in the report
 */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  return new Replay(options).run()
}
