import type { Endpoint } from '../../vocabulary/dialect.ts'
import { ATTEMPT_OUTCOMES, type AttemptOutcome, CALL_OUTCOMES, type CallOutcome } from '../../vocabulary/outcome.ts'
import {
  OPERATION_SECONDS,
  TIME_PER_OUTPUT_TOKEN_SECONDS,
  TIME_TO_FIRST_TOKEN_SECONDS,
  TOKEN_BOUNDS,
} from './bounds.ts'
import { Tally } from './tally.ts'

/**
 * Combinations of model, deployment and endpoint that are counted apart. Each is up to 130 lines of a scrape and 4 kB of
 * memory; what comes after them is counted together under the name `other`.
 */
export const MAX_SERIES = 200
export const OVERFLOW = 'other'

/** What was counted of the calls for one model at one deployment through one endpoint. */
export class CallSeries {
  readonly model: string
  readonly deployment: string
  readonly endpoint: Endpoint
  readonly calls: Record<CallOutcome, number> = filled(CALL_OUTCOMES, 0)
  readonly attempts: Record<AttemptOutcome, number> = filled(ATTEMPT_OUTCOMES, 0)
  /** These five share no token: a cached one is not among the input's. */
  inputTokens = 0
  cachedInputTokens = 0
  cacheWrite5mTokens = 0
  cacheWrite1hTokens = 0
  outputTokens = 0
  nanoDollars = 0n
  /** By how the attempts ended that were paid for nothing. */
  readonly wastedNanoDollars: Record<AttemptOutcome, bigint> = filled(ATTEMPT_OUTCOMES, 0n)
  /** Of attempts that lost a race here, who won it. */
  readonly races = { first: 0, rival: 0 }
  /** Attempts that went on from what another had shown, by how they ended. */
  readonly continuations: Record<AttemptOutcome, number> = filled(ATTEMPT_OUTCOMES, 0)
  unratedAttempts = 0
  readonly durations: Readonly<Record<CallOutcome, Tally>> = {
    completed: new Tally(OPERATION_SECONDS),
    refused: new Tally(OPERATION_SECONDS),
    failed: new Tally(OPERATION_SECONDS),
    callerLeft: new Tally(OPERATION_SECONDS),
  }
  readonly timeToFirstToken = new Tally(TIME_TO_FIRST_TOKEN_SECONDS)
  readonly timePerOutputToken = new Tally(TIME_PER_OUTPUT_TOKEN_SECONDS)
  readonly inputSizes = new Tally(TOKEN_BOUNDS)
  readonly outputSizes = new Tally(TOKEN_BOUNDS)

  constructor(model: string, deployment: string, endpoint: Endpoint) {
    this.model = model
    this.deployment = deployment
    this.endpoint = endpoint
  }
}

function filled<Name extends string, Value>(names: readonly Name[], value: Value): Record<Name, Value> {
  return Object.fromEntries(names.map(name => [name, value])) as Record<Name, Value>
}

type ByEndpoint = { [Name in Endpoint]?: CallSeries }

/** Series by their labels, never more than `MAX_SERIES` beside those of the overflow. */
export class SeriesTable {
  readonly #byModel = new Map<string, Map<string, ByEndpoint>>()
  readonly #overflow: ByEndpoint = {}
  readonly #all: CallSeries[] = []
  #named = 0

  get all(): readonly CallSeries[] {
    return this.#all
  }

  find(model: string, deployment: string, endpoint: Endpoint): CallSeries {
    return this.#byModel.get(model)?.get(deployment)?.[endpoint] ?? this.#add(model, deployment, endpoint)
  }

  #add(model: string, deployment: string, endpoint: Endpoint): CallSeries {
    if (this.#named >= MAX_SERIES) return this.#overflowOf(endpoint)
    this.#named += 1
    // The name may be a slice of a request's body, which would live as long as the slice does.
    const series = new CallSeries(detached(model), detached(deployment), endpoint)
    const byDeployment = this.#byModel.get(series.model) ?? new Map<string, ByEndpoint>()
    this.#byModel.set(series.model, byDeployment)
    const byEndpoint = byDeployment.get(series.deployment) ?? {}
    byDeployment.set(series.deployment, byEndpoint)
    byEndpoint[endpoint] = series
    this.#all.push(series)
    return series
  }

  #overflowOf(endpoint: Endpoint): CallSeries {
    const known = this.#overflow[endpoint]
    if (known) return known
    const series = new CallSeries(OVERFLOW, OVERFLOW, endpoint)
    this.#overflow[endpoint] = series
    this.#all.push(series)
    return series
  }
}

function detached(text: string): string {
  return Buffer.from(text).toString()
}
