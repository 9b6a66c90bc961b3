import { chooseFault, randomFrom } from '../../engines/faults/choose.ts'
import { faultyEngine } from '../../engines/faults/engine.ts'
import type { Fault } from '../../engines/faults/plan.ts'
import { createSimulatedEngine, type SimulatedEngine } from '../../engines/simulated/engine.ts'
import type { Clock } from '../../ports/clock.ts'
import type { AttemptHandle, AttemptSink, EngineClient, RawHeaders, UpstreamRequest } from '../../ports/engine.ts'
import type { CalledEndpoint, Plan, Upstream } from './draw.fixture.ts'
import { isCutShort, plainIn, reportedIn } from './seen.fixture.ts'
import { START, VirtualTime } from './time.fixture.ts'

/** What an attempt told its sink, or was told. */
export interface Told {
  /** Place among everything that happened. */
  readonly event: number
  readonly at: number
  readonly is: 'head' | 'data' | 'end' | 'unreachable' | 'cut' | 'timedOut' | 'abort'
  readonly text: string
}

/** One attempt as its upstream saw it. */
export interface Asked {
  readonly event: number
  readonly at: number
  readonly call: string
  readonly upstream: Upstream
  readonly replica: number
  readonly endpoint: CalledEndpoint
  readonly body: string
  readonly streamed: boolean
  readonly fault: Fault | null
  readonly told: Told[]
  status: number | null
  headers: RawHeaders
  /** The body that an engine worked on; null when none did. */
  worked: string | null
  /** All that the engine answered, before a fault spoilt it. */
  answer: string
}

const SIMULATED = { model: 'Llama-3.1-8B', accelerator: { kind: 'H100-SXM', count: 1 } }

/** Upstreams that fail as it is planned, and remember everything that they were asked. */
export class Upstreams {
  readonly asked: Asked[] = []
  readonly #plan: Plan
  readonly #time: VirtualTime
  readonly #random: () => number
  readonly #engines = new Map<string, SimulatedEngine>()
  readonly #byRequest = new WeakMap<UpstreamRequest, Asked>()

  constructor(plan: Plan, time: VirtualTime) {
    this.#plan = plan
    this.#time = time
    this.#random = randomFrom(plan.seed)
    for (const { deployment, speed } of plan.upstreams) {
      const { upstream, replicas } = deployment
      this.#engines.set(upstream, createSimulatedEngine({ ...SIMULATED, replicas, speed, clock: time }))
    }
  }

  /** Calls at work in the engines. */
  get busy(): number {
    let busy = 0
    for (const engine of this.#engines.values()) {
      for (const { running, waiting } of engine.replicas()) busy += running + waiting
    }
    return busy
  }

  engine(of: { readonly upstream: string }): EngineClient {
    const upstream = this.#plan.upstreams.find(({ deployment }) => deployment.upstream === of.upstream)!
    return {
      attempt: (request, sink) => this.#attempt(upstream, request, sink),
      close: async () => {},
    }
  }

  #attempt(upstream: Upstream, request: UpstreamRequest, sink: AttemptSink): AttemptHandle {
    const [time, random] = [this.#time, this.#random]
    const plan = { faults: this.#plan.faults, seed: this.#plan.seed, startedAt: START }
    const fault = chooseFault(plan, request, { now: time.now(), random })
    const asked: Asked = {
      event: time.event(),
      at: time.now(),
      call: request.headers[1]!,
      upstream,
      replica: request.replica,
      endpoint: request.endpoint as CalledEndpoint,
      body: textOf(request.body),
      streamed: request.streamed,
      fault,
      told: [],
      status: null,
      headers: [],
      worked: null,
      answer: '',
    }
    this.asked.push(asked)
    this.#byRequest.set(request, asked)
    const inner: EngineClient = { attempt: (request, sink) => this.#work(request, sink), close: async () => {} }
    // The one that was chosen, and always: who is struck was decided above.
    const faults = fault === null ? [] : [{ ...fault, share: 1, afterMs: 0, forMs: null, everyMs: null }]
    const handle = faultyEngine(inner, { ...plan, faults }, { clock: time, random }).attempt(
      request,
      this.#noting(asked, sink),
    )
    return {
      pause: () => handle.pause(),
      resume: () => handle.resume(),
      abort: () => {
        this.#note(asked, 'abort')
        handle.abort()
      },
    }
  }

  #noting(asked: Asked, sink: AttemptSink): AttemptSink {
    return {
      head: (status, headers) => {
        asked.status = status
        asked.headers = headers
        this.#note(asked, 'head')
        sink.head(status, headers)
      },
      data: chunk => {
        this.#note(asked, 'data', Buffer.from(chunk).toString())
        sink.data(chunk)
      },
      end: () => {
        this.#note(asked, 'end')
        sink.end()
      },
      fail: failure => {
        this.#note(asked, failure.kind)
        sink.fail(failure)
      },
    }
  }

  #note(asked: Asked, is: Told['is'], text = ''): void {
    asked.told.push({ event: this.#time.event(), at: this.#time.now(), is, text })
  }

  /** What an upstream does that no fault keeps from it. */
  #work(request: UpstreamRequest, sink: AttemptSink): AttemptHandle {
    const asked = this.#byRequest.get(request)!
    const { upstream, endpoint } = asked
    const body = JSON.parse(asked.body)
    const refusal = refusalOf(upstream, body)
    if (refusal !== null) return answerLater(this.#time, sink, refusal)
    const worked = upstream.way === 'stranger' ? strangeBody(endpoint, body) : asked.body
    asked.worked = worked
    return this.#engines.get(upstream.deployment.upstream)!.attempt(
      { ...request, body: [Buffer.from(worked)] },
      {
        head: (status, headers) => sink.head(status, headers),
        data: chunk => {
          asked.answer += Buffer.from(chunk).toString()
          sink.data(chunk)
        },
        end: () => sink.end(),
        fail: failure => sink.fail(failure),
      },
    )
  }
}

function textOf(pieces: readonly Uint8Array[]): string {
  return Buffer.concat(pieces).toString()
}

const MOST_CHARACTERS = 300

function refusalOf({ way }: Upstream, body: { messages?: { role: string; content: string }[]; input?: string }) {
  const messages = body.messages ?? [{ role: 'user', content: body.input! }]
  if (way === 'noPrefill' && messages.at(-1)!.role === 'assistant') {
    return { message: 'This model does not support assistant message prefill.', type: 'invalid_request_error' }
  }
  if (way !== 'short' || messages[0]!.content.length <= MOST_CHARACTERS) return null
  const message = "This model's maximum context length is 60 tokens. However, you asked for more."
  return { message, type: 'invalid_request_error', code: 'context_length_exceeded' }
}

const STRANGE = 'Answer as a stranger would.'

/** The same question in other circumstances, so that the answer is another one. */
export function strangeBody(endpoint: CalledEndpoint, body: Record<string, unknown>): string {
  if (endpoint === 'responses') return JSON.stringify({ ...body, instructions: STRANGE })
  if (endpoint === 'messages') return JSON.stringify({ ...body, system: STRANGE })
  const messages = body.messages as object[]
  return JSON.stringify({ ...body, messages: [{ role: 'system', content: STRANGE }, ...messages] })
}

function answerLater(clock: Clock, sink: AttemptSink, error: object): AttemptHandle {
  const cancel = clock.after(1, () => {
    sink.head(400, ['content-type', 'application/json'])
    sink.data(Buffer.from(JSON.stringify({ type: 'error', error })))
    sink.end()
  })
  return { pause: () => {}, resume: () => {}, abort: cancel }
}

/** What an engine answers to a request that nothing disturbs. */
export interface Reference {
  readonly text: string
  readonly promptTokens: number
  readonly outputTokens: number
  readonly isCutShort: boolean
}

/** An engine whose answers are known before they are given. */
class Oracle {
  readonly #time = new VirtualTime()
  readonly #engine = createSimulatedEngine({ ...SIMULATED, replicas: 1, speed: 1_000, clock: this.#time })
  readonly #known = new Map<string, Reference>()

  ask(endpoint: CalledEndpoint, text: string): Reference {
    const name = `${endpoint}\n${text}`
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const found = this.#ask(endpoint, JSON.stringify({ ...JSON.parse(text), stream: false, stream_options: undefined }))
    this.#known.set(name, found)
    return found
  }

  #ask(endpoint: CalledEndpoint, body: string): Reference {
    let answer = ''
    const deployment = { name: 'o/m', upstream: 'o', model: 'm', dialects: [], engine: null, replicas: 1, grams: null }
    this.#engine.attempt(
      {
        deployment,
        endpoint,
        query: '',
        headers: [],
        body: [Buffer.from(body)],
        streamed: false,
        replica: 0,
        address: null,
        connectMs: 1,
      },
      {
        head: () => {},
        data: chunk => {
          answer += Buffer.from(chunk).toString()
        },
        end: () => {},
        fail: () => {},
      },
    )
    this.#time.passAtOnce(60_000)
    const { text, finish } = plainIn(endpoint, answer)
    const { input, output } = reportedIn(endpoint, answer)!
    return { text, promptTokens: input, outputTokens: output, isCutShort: isCutShort(finish) }
  }
}

export const ORACLE = new Oracle()
