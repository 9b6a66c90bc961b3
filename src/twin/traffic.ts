import type { Trace, TraceRequest } from '../traces/trace.ts'
import type { DurationMs } from '../units/time.ts'
import type { Tokens } from '../units/tokens.ts'
import { type Prompt, PromptHashes } from './prompts.ts'

/** Where requests come from: one recording. */
export interface Source {
  readonly trace: Trace
  readonly hashes: PromptHashes
}

/** One request that is played. */
export interface Played extends Prompt {
  /** Its place among all that are played. */
  readonly number: number
  readonly source: Source
  /** When it is sent; where it follows another one, of no meaning. */
  readonly atMs: DurationMs
  /** Name of a model of the fleet. */
  readonly model: string
  readonly outputTokens: Tokens
  readonly tenant: string
  /** The conversation that it belongs to; null when that is not known. */
  readonly session: string | null
  readonly tier: string
  /** It is sent so long after the end of the answer to another one; null for an arrival of its own. */
  readonly follows: { readonly number: number; readonly thinkMs: DurationMs } | null
}

/** Everything that is played, in order of time. */
export interface Traffic {
  readonly requests: readonly Played[]
  /** Tokens of the blocks of each recording that knows any. */
  readonly blockTokens: readonly Tokens[]
}

/** How one recording is played. */
export interface Casting {
  readonly trace: Trace
  /** Recorded time passes so many times as fast. */
  readonly speed: number
  /** The model of the fleet that a request is for; null where there is none for it. */
  model(recorded: string | null): string | null
  /** Whom a request comes from, and in which class of service. */
  tenant(request: TraceRequest): string
  tier(request: TraceRequest): string
}

/** Recorded requests for which the fleet has no model, by the name that was asked for. */
export class UnservedModel extends Error {
  readonly model: string | null

  constructor(model: string | null) {
    super(model === null ? 'the trace names no model' : `the trace asks for ${model}`)
    this.model = model
  }
}

/**
 * Makes requests of recordings.
 *
 * @throws UnservedModel when a request is for a model that the fleet does not have
 */
export function castTraffic(castings: readonly Casting[]): Traffic {
  const played: Played[] = []
  for (const [place, casting] of castings.entries()) {
    const { trace } = casting
    const source = { trace, hashes: new PromptHashes(trace.blockTokens, place) }
    const first = played.length
    for (const request of trace.requests)
      played.push(playedOf(request, casting, { source, first, number: played.length }))
  }
  const blockTokens = castings.flatMap(({ trace }) => (trace.blockTokens === null ? [] : [trace.blockTokens]))
  return { requests: played, blockTokens }
}

function playedOf(
  request: TraceRequest,
  casting: Casting,
  at: { readonly source: Source; readonly first: number; readonly number: number },
): Played {
  const { inputTokens, outputTokens, blocks, session, follows } = request
  const model = casting.model(request.model)
  if (model === null) throw new UnservedModel(request.model)
  return {
    number: at.number,
    source: at.source,
    atMs: request.atMs / casting.speed,
    model,
    inputTokens: Math.max(1, inputTokens),
    outputTokens,
    blocks,
    tenant: casting.tenant(request),
    session,
    tier: casting.tier(request),
    follows: follows && { number: at.first + follows.request, thinkMs: follows.thinkMs / casting.speed },
  }
}
