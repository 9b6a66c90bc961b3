import type { Clock } from '../../ports/clock.ts'
import type { AttemptHandle, AttemptSink, EngineClient, UpstreamRequest } from '../../ports/engine.ts'
import { describeReplica, type Replica } from '../../simulation/replica.ts'
import type { SequenceRequest } from '../../simulation/sequence.ts'
import type { Endpoint } from '../../vocabulary/dialect.ts'
import { writeAnswer } from './answers/answer.ts'
import { CHAT_WIRE } from './answers/chat.ts'
import { embeddingsBody } from './answers/embeddings.ts'
import { MESSAGES_WIRE } from './answers/messages.ts'
import { RESPONSES_WIRE } from './answers/responses.ts'
import type { AnswerWire } from './answers/wire.ts'
import { TextAttempt } from './attempt.ts'
import { DirectAttempt } from './direct.ts'
import { ReplicaDriver, type ReplicaState, type SequenceListener } from './driver.ts'
import type { Ask, AskLimits, EmbeddingsAsk } from './requests/ask.ts'
import { readChat } from './requests/chat.ts'
import { readJson } from './requests/content.ts'
import { readEmbeddings } from './requests/embeddings.ts'
import { contextFault, FAULT_STATUS, faultBody, type RequestFault } from './requests/fault.ts'
import { type Fields, FirstFault } from './requests/fields.ts'
import { readMessages, readMessagesPrompt } from './requests/messages.ts'
import { readResponses } from './requests/responses.ts'
import { type PromptTokens, pushText } from './requests/tokens.ts'

export interface SimulatedEngineOptions {
  /** Of the model table. */
  readonly model: string
  /** `count` accelerators make one replica. */
  readonly accelerator: { readonly kind: string; readonly count: number }
  readonly replicas: number
  /** Simulated seconds per second of the clock, above 0. */
  readonly speed: number
  /** Blocks of the KV cache of each replica, Infinity for one without bound; as many as its memory holds when absent. */
  readonly kvBlocks?: number
  readonly clock: Clock
}

/** A simulated engine behind the port that real ones stand behind. */
export interface SimulatedEngine extends EngineClient {
  /** What each replica is doing. */
  replicas(): readonly ReplicaState[]
}

type TextEndpoint = Exclude<Endpoint, 'embeddings' | 'messages/count_tokens'>

const TEXT: Readonly<
  Record<TextEndpoint, { readonly read: (body: Fields, limits: AskLimits) => Ask; readonly wire: AnswerWire }>
> = {
  'chat/completions': { read: readChat, wire: CHAT_WIRE },
  responses: { read: readResponses, wire: RESPONSES_WIRE },
  messages: { read: readMessages, wire: MESSAGES_WIRE },
}

/**
 * An engine that answers without a model: it takes as long as vLLM would with that model on those accelerators, by the
 * clock times `speed`, and answers in both dialects with text that says what it is. Deterministic but for the ids.
 *
 * @throws Error with a sentence when the model or accelerator is unknown or the model does not fit
 */
export function createSimulatedEngine(options: SimulatedEngineOptions): SimulatedEngine {
  if (!(options.speed > 0)) throw new Error(`the speed of a simulated engine must be above 0, not ${options.speed}`)
  const replica = describeReplica({ ...options, tokenEvents: true })
  const drivers = Array.from(
    { length: options.replicas },
    () => new ReplicaDriver(replica.options, options.clock, options.speed),
  )
  return new InProcessEngine(replica, drivers, options.clock)
}

const CLOSED = 'the simulated engine was closed'

class InProcessEngine implements SimulatedEngine {
  readonly #drivers: readonly ReplicaDriver[]
  readonly #clock: Clock
  readonly #limits: AskLimits
  #sequences = 0
  #answers = 0
  #closed = false
  readonly #idHead: string

  constructor(replica: Replica, drivers: readonly ReplicaDriver[], clock: Clock) {
    this.#drivers = drivers
    this.#clock = clock
    this.#limits = { contextTokens: replica.contextTokens, maxDimensions: replica.model.hidden }
    this.#idHead = `sim${Math.floor(clock.now()).toString(36)}`
  }

  attempt(request: UpstreamRequest, sink: AttemptSink): AttemptHandle {
    if (this.#closed) return failLater(sink)
    const { endpoint } = request
    const faults = new FirstFault()
    const body = readJson(request.body, faults)
    if (body === null) return this.#refuse(sink, endpoint, faults.fault!)
    if (endpoint === 'messages/count_tokens') return this.#count(sink, body, faults)
    const driver = this.#replica(request.replica)
    if (endpoint === 'embeddings') return this.#embed(sink, body, faults, driver)
    const ask = TEXT[endpoint].read(body, this.#limits)
    const fault = faults.fault ?? this.#contextFault(endpoint, ask.prompt)
    return fault === null ? this.#generate(sink, { endpoint, ask, driver }) : this.#refuse(sink, endpoint, fault)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const driver of this.#drivers) driver.stop(CLOSED)
  }

  replicas(): readonly ReplicaState[] {
    return this.#drivers.map(driver => driver.state)
  }

  #contextFault(endpoint: Endpoint, prompt: PromptTokens): RequestFault | null {
    const most = this.#limits.contextTokens
    // An answer needs room for one token at least.
    return prompt.count < most ? null : contextFault(endpoint, { tokens: prompt.count, most })
  }

  #generate(
    sink: AttemptSink,
    of: { readonly endpoint: TextEndpoint; readonly ask: Ask; readonly driver: ReplicaDriver },
  ): AttemptHandle {
    const { endpoint, ask, driver } = of
    const room = this.#limits.contextTokens - ask.prompt.count
    const answers = Array.from({ length: ask.choices }, (_, choice) => writeAnswer(ask, choice, room))
    const sequences = answers.map(() => this.#sequences++)
    const id = `${this.#idHead}${(this.#answers++).toString(36).padStart(6, '0')}`
    const told = { id, createdAtSeconds: Math.floor(this.#clock.now() / 1000), ask, answers }
    const attempt = new TextAttempt(sink, { driver, wire: TEXT[endpoint].wire, told, sequences })
    for (const [choice, answer] of answers.entries()) {
      const hasher = ask.prompt.hasher.fork()
      pushText(hasher, answer.text)
      const lengths = { promptTokens: ask.prompt.count, outputTokens: answer.tokens }
      start(driver, { id: sequences[choice]!, ...lengths, hashes: hasher.hashes() }, attempt)
    }
    return attempt
  }

  #embed(sink: AttemptSink, body: Fields, faults: FirstFault, driver: ReplicaDriver): AttemptHandle {
    const ask: EmbeddingsAsk = readEmbeddings(body, this.#limits)
    const longest = ask.inputs.find(({ prompt }) => prompt.count >= this.#limits.contextTokens)
    const fault = faults.fault ?? (longest ? this.#contextFault('embeddings', longest.prompt) : null)
    if (fault !== null) return this.#refuse(sink, 'embeddings', fault)
    const sequences = ask.inputs.map(() => this.#sequences++)
    const answer = { status: 200, body: () => embeddingsBody(ask) }
    const attempt = new DirectAttempt(sink, answer, { driver, sequences })
    for (const [place, { prompt }] of ask.inputs.entries()) {
      // An embedding is there when its prompt is computed, as is a first token.
      const lengths = { promptTokens: prompt.count, outputTokens: 1 }
      start(driver, { id: sequences[place]!, ...lengths, hashes: prompt.hasher.hashes() }, attempt)
    }
    return attempt
  }

  #count(sink: AttemptSink, body: Fields, faults: FirstFault): AttemptHandle {
    const prompt = readMessagesPrompt(body, this.#limits)
    if (faults.fault !== null) return this.#refuse(sink, 'messages/count_tokens', faults.fault)
    return new DirectAttempt(sink, { status: 200, body: () => JSON.stringify({ input_tokens: prompt.count }) }, null)
  }

  #refuse(sink: AttemptSink, endpoint: Endpoint, fault: RequestFault): AttemptHandle {
    const id = `req_${this.#idHead}${(this.#answers++).toString(36)}`
    return new DirectAttempt(sink, { status: FAULT_STATUS, body: () => faultBody(endpoint, fault, id) }, null)
  }

  #replica(place: number): ReplicaDriver {
    const driver = this.#drivers[place]
    if (driver === undefined)
      throw new Error(`a simulated engine with ${this.#drivers.length} replicas has none ${place}`)
    return driver
  }
}

function start(driver: ReplicaDriver, request: SequenceRequest, listener: SequenceListener): void {
  if (!driver.add(request, listener)) throw new Error('a sequence within the context must fit into the cache')
}

function failLater(sink: AttemptSink): AttemptHandle {
  let wanted = true
  queueMicrotask(() => {
    if (wanted) sink.fail({ kind: 'unreachable', message: CLOSED })
  })
  return {
    pause() {},
    resume() {},
    abort() {
      wanted = false
    },
  }
}
