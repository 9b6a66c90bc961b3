import type { IncomingMessage, ServerResponse } from 'node:http'
import { forwardedHeaders, wireOf } from '../dialects/index.ts'
import type { Call } from '../lifecycle/call.ts'
import { Life, STOPPING } from '../lifecycle/life.ts'
import type { Wire } from '../ports/wire.ts'
import type { EpochMs, MonotonicMs } from '../units/time.ts'
import type { Key } from '../vocabulary/caller.ts'
import type { Model } from '../vocabulary/deployment.ts'
import { type DialectName, dialectOf, type Endpoint } from '../vocabulary/dialect.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import { refuse, refuseUnread } from './answer.ts'
import { authenticate } from './authenticate.ts'
import { MAX_BODY_BYTES, readBody } from './body.ts'
import { Callers } from './caller.ts'
import { capsOf } from './caps.ts'
import { CALLER_DIALECTS } from './dialects.ts'
import type { GatewayOptions } from './options.ts'
import { HttpReply } from './reply.ts'
import { Roster, type Seated } from './roster.ts'
import { tierOf } from './tier.ts'

/** A request for a model that was authenticated and whose body is being read. */
interface Arrival extends Seated {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly wire: Wire
  readonly dialect: DialectName
  readonly query: string
  readonly key: Key
  readonly arrivedAt: EpochMs
  readonly arrived: MonotonicMs
}

/** Turns requests for models into lives, or refuses them before anything was spent. */
export class CallRoutes {
  readonly lives = new Roster<Life>()
  /** Requests whose bodies are still on their way. */
  readonly #arriving = new Roster<Arrival>()
  readonly #options: GatewayOptions
  readonly #callers = new Callers()

  constructor(options: GatewayOptions) {
    this.#options = options
  }

  handle(request: IncomingMessage, response: ServerResponse, endpoint: Endpoint, query: string): void {
    const { clock } = this.#options.world
    const dialect = dialectOf(endpoint)
    const key = authenticate(request.headers, request.socket.remoteAddress, this.#options)
    if (key === null) {
      const message = 'no valid API key: expected one in `Authorization: Bearer KEY` or `x-api-key: KEY`'
      return this.#refused(refuse(response, dialect, { cause: 'invalidKey', message }), 'invalidKey', null)
    }
    const arrival: Arrival = {
      seat: -1,
      request,
      response,
      wire: wireOf(endpoint),
      dialect,
      query,
      key,
      arrivedAt: clock.now(),
      arrived: clock.monotonic(),
    }
    this.#arriving.add(arrival)
    readBody(request, MAX_BODY_BYTES, result => {
      this.#arriving.delete(arrival)
      if (result.kind === 'left' || response.headersSent) return
      if (result.kind === 'whole') return this.#begin(arrival, result.bytes)
      const message = `the body is larger than ${MAX_BODY_BYTES} bytes`
      this.#refused(refuseUnread(request, response, dialect, { cause: 'tooLarge', message }), 'tooLarge', key)
    })
  }

  /** Ends what is under way: calls by their own honest end, and requests that have not come whole by a refusal. */
  stop(): void {
    for (const arrival of this.#arriving.all()) {
      const { request, response, dialect, key } = arrival
      this.#arriving.delete(arrival)
      this.#refused(refuseUnread(request, response, dialect, STOPPING), STOPPING.cause, key)
    }
    for (const life of this.lives.all()) life.stop()
  }

  #begin(arrival: Arrival, bytes: Buffer): void {
    const { request, response, wire, dialect, key } = arrival
    const reject = (refusal: Refusal) => this.#refused(refuse(response, dialect, refusal), refusal.cause, key)
    const body = wire.parseBody(bytes)
    if ('fault' in body) return reject({ cause: 'malformed', message: body.fault })
    const known = this.#callers.of(key, request.headers)
    if ('fault' in known) return reject({ cause: 'malformed', message: known.fault })
    const caps = capsOf(request.headers, known.caller.run)
    if ('fault' in caps) return reject({ cause: 'malformed', message: caps.fault })
    const model = this.#options.registry.model(body.model)
    const refusal = model === undefined ? unknownModel(body.model) : forbidden(model, key, dialect)
    if (model === undefined || refusal !== null) return reject(refusal!)
    const tiered = tierOf(request.headers, key, this.#options.tiers)
    if ('cause' in tiered) return reject(tiered)
    const { traceparent } = request.headers
    this.#live(response, {
      id: this.#options.nextId(),
      arrivedAt: arrival.arrivedAt,
      arrived: arrival.arrived,
      wire,
      dialect: CALLER_DIALECTS[dialect],
      model,
      caller: known.caller,
      body,
      query: arrival.query,
      headers: forwardedHeaders(request.rawHeaders),
      traceparent: typeof traceparent === 'string' ? traceparent : null,
      runBudget: caps.runBudget,
      maxDollars: caps.maxDollars,
      tier: tiered.tier,
      deadlineAt: caps.deadlineMs === null ? null : arrival.arrivedAt + caps.deadlineMs,
    })
  }

  #live(response: ServerResponse, call: Call): void {
    const reply = new HttpReply(response, () => this.lives.delete(life))
    const life = new Life(call, reply, this.#options.world)
    this.lives.add(life)
    life.start()
  }

  #refused(status: number, cause: Refusal['cause'], key: Key | null): void {
    this.#options.world.observer.callRefused(cause, status, key?.name ?? null)
  }
}

function unknownModel(name: string): Refusal {
  const shown = name.length > 200 ? `${name.slice(0, 200)}…` : name
  return { cause: 'modelNotFound', message: `the model '${shown}' does not exist: GET /v1/models lists those that do` }
}

/** Why this key in this dialect may not use a model that exists; null when it may. */
function forbidden(model: Model, key: Key, dialect: DialectName): Refusal | null {
  if (key.models !== null && !key.models.includes(model.name)) {
    return { cause: 'modelNotAllowed', message: `the key '${key.name}' may not use the model '${model.name}'` }
  }
  if (!model.deployments.some(deployment => deployment.dialects.includes(dialect))) {
    const other = dialect === 'openai' ? 'anthropic' : 'openai'
    const message = `the model '${model.name}' is served in the ${other} dialect only: ask it at ${
      other === 'openai' ? '/v1/chat/completions or /v1/responses' : '/v1/messages'
    }`
    return { cause: 'modelNotAllowed', message }
  }
  return null
}
