import type { IncomingMessage, ServerResponse } from 'node:http'
import { renderModel, renderModelList } from '../dialects/index.ts'
import { formatTime } from '../units/time.ts'
import type { Key } from '../vocabulary/caller.ts'
import type { DialectName } from '../vocabulary/dialect.ts'
import { callIdToInteger } from '../vocabulary/id.ts'
import { type LimitView, showQuantity, takenOf } from '../vocabulary/limit.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import { answerBytes, answerJson, refuse } from './answer.ts'
import { authenticate, isLoopback, secretIn } from './authenticate.ts'
import { Callers } from './caller.ts'
import type { GatewayOptions } from './options.ts'

/** What callers read: models, receipts, health, metrics. Nothing here reaches an upstream. */
export class ReadRoutes {
  readonly #options: GatewayOptions
  readonly #callers = new Callers()

  constructor(options: GatewayOptions) {
    this.#options = options
  }

  /** `GET /v1/models`, in Anthropic's shape when `anthropic-version` is sent. */
  models(request: IncomingMessage, response: ServerResponse, query: string): void {
    const dialect = dialectAsked(request)
    const key = this.#keyOf(request, response, dialect)
    if (key === null) return
    const models = this.#options.registry.models().filter(model => key.models?.includes(model.name) ?? true)
    const asked = new URLSearchParams(query)
    const rendered = renderModelList(dialect, models, {
      limit: asked.get('limit'),
      afterId: asked.get('after_id'),
      beforeId: asked.get('before_id'),
    })
    if ('fault' in rendered) {
      refuse(response, dialect, { cause: 'malformed', message: rendered.fault })
      return
    }
    answerBytes(response, 200, 'application/json', rendered.body)
  }

  model(request: IncomingMessage, response: ServerResponse, encodedName: string): void {
    const dialect = dialectAsked(request)
    const key = this.#keyOf(request, response, dialect)
    if (key === null) return
    const name = decoded(encodedName)
    const model = name === null ? undefined : this.#options.registry.model(name)
    if (model === undefined || !(key.models?.includes(model.name) ?? true)) {
      refuse(response, dialect, { cause: 'modelNotFound', message: `the model '${encodedName}' does not exist` })
      return
    }
    answerBytes(response, 200, 'application/json', renderModel(dialect, model))
  }

  /** `GET /v1/receipts/{id}`: one of the caller's own; for anyone else's the answer is that there is none. */
  receipt(request: IncomingMessage, response: ServerResponse, encodedId: string): void {
    const key = this.#keyOf(request, response, 'openai')
    if (key === null) return
    const missing = () => {
      refuse(response, 'openai', { cause: 'notFound', message: 'this key has no receipt of that id' })
    }
    const id = decoded(encodedId)
    if (id === null || callIdToInteger(id) === null) return missing()
    this.#options.ledger.receipt(id).then(
      record => {
        if (record === null || !isOwn(record, key)) missing()
        else answerJson(response, 200, this.#options.receiptOf(record))
      },
      (error: Error) => {
        refuse(response, 'openai', { cause: 'internal', message: `the receipt could not be read: ${error.message}` })
      },
    )
  }

  /** `GET /v1/limits`: every limit that binds the caller, with those of the run that it names. */
  limits(request: IncomingMessage, response: ServerResponse): void {
    const key = this.#keyOf(request, response, 'openai')
    if (key === null) return
    const known = this.#callers.of(key, request.headers)
    if ('fault' in known) {
      refuse(response, 'openai', { cause: 'malformed', message: known.fault })
      return
    }
    this.#options.limits.views(known.caller).then(
      views => answerJson(response, 200, { limits: views.map(limitOf) }),
      (error: Error) => {
        refuse(response, 'openai', { cause: 'internal', message: `the limits could not be read: ${error.message}` })
      },
    )
  }

  metrics(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#mayObserve(request)) {
      refuse(response, 'openai', { cause: 'invalidKey', message: 'from elsewhere than loopback, a key is needed' })
      return
    }
    this.#options.metrics().then(
      ({ contentType, text }) => answerBytes(response, 200, contentType, Buffer.from(text)),
      (error: Error) => {
        refuse(response, 'openai', { cause: 'internal', message: `metrics could not be gathered: ${error.message}` })
      },
    )
  }

  health(request: IncomingMessage, response: ServerResponse, ready: boolean): void {
    if (!this.#mayObserve(request)) {
      refuse(response, 'openai', { cause: 'invalidKey', message: 'from elsewhere than loopback, a key is needed' })
      return
    }
    answerJson(response, ready ? 200 : 503, { status: ready ? 'ok' : 'not ready' })
  }

  #mayObserve(request: IncomingMessage): boolean {
    if (isLoopback(request.socket.remoteAddress)) return true
    const secret = secretIn(request.headers)
    return (
      secret !== null && (this.#options.isAdminToken(secret) || this.#options.registry.authenticate(secret) !== null)
    )
  }

  #keyOf(request: IncomingMessage, response: ServerResponse, dialect: DialectName): Key | null {
    const key = authenticate(request.headers, request.socket.remoteAddress, this.#options)
    if (key === null) {
      const message = 'no valid API key: expected one in `Authorization: Bearer KEY` or `x-api-key: KEY`'
      refuse(response, dialect, { cause: 'invalidKey', message })
    }
    return key
  }
}

/** A limit as its callers see it: its id is the admin's alone. */
function limitOf(view: LimitView) {
  const { unit, left, plan, part, expiresAt } = view
  return {
    ...takenOf(view),
    left: showQuantity(unit, left),
    ...(plan ? { plan, part } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt: formatTime(expiresAt) }),
  }
}

/** Whether a call was this key's: one of the same name that was revoked before this key was made was another. */
function isOwn(record: CallRecord, key: Key): boolean {
  return record.caller.key === key.name && (key.declared || record.at >= key.createdAt)
}

function dialectAsked(request: IncomingMessage): DialectName {
  return request.headers['anthropic-version'] === undefined ? 'openai' : 'anthropic'
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
