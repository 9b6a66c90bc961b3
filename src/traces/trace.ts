import type { DurationMs } from '../units/time.ts'
import type { Tokens } from '../units/tokens.ts'

/** The kinds of recordings that are understood. */
export type TraceFormat = 'mooncake' | 'azure' | 'sessions' | 'servegen'

/** What a closed-loop request waits for: its user, or its agent, acts on the answer to an earlier one. */
export interface Follows {
  /** Index of the earlier request in the trace. Always smaller than that of the request that follows it. */
  readonly request: number
  /** From the end of the earlier answer to the start of this request. */
  readonly thinkMs: DurationMs
}

/** One recorded request. */
export interface TraceRequest {
  /** When it was sent, from the beginning of the trace. */
  readonly atMs: DurationMs
  /** The model it was sent to, as the recording names it; null when it does not. */
  readonly model: string | null
  readonly inputTokens: Tokens
  readonly outputTokens: Tokens
  /**
   * The blocks of its prompt as ranges of ids, first and last in turn, both inclusive: `[0, 2, 9, 9]` are the blocks 0,
   * 1, 2 and 9. Two prompts share a prefix as far as their ids agree from the start. Tokens behind the last block are
   * shared with nobody. Null when the recording knows no prefixes.
   */
  readonly blocks: readonly number[] | null
  /** Who sent it: one of ServeGen's clients, one coding session; null when the recording does not tell. */
  readonly tenant: string | null
  /** The conversation it belongs to; a sub-agent has one of its own. */
  readonly session: string | null
  /** Set when it was sent in answer to an earlier one; null for an arrival of its own. */
  readonly follows: Follows | null
}

/** A recording, in the one form that replay and rehearsal play. */
export interface Trace {
  readonly format: TraceFormat
  /** In order of `atMs`. */
  readonly requests: readonly TraceRequest[]
  /** Tokens of a block; null when the recording knows no prefixes. */
  readonly blockTokens: Tokens | null
  /** Every block's id is smaller. */
  readonly blockIds: number
  /** Sentences on what was left out or assumed while reading. */
  readonly notes: readonly string[]
}

/** Why a recording cannot be used: the place, and what was expected there. */
export class TraceError extends Error {
  override readonly name = 'TraceError'
  /** Counted from 1; null when the fault is not in one line. */
  readonly line: number | null

  constructor(line: number | null, message: string) {
    super(line === null ? message : `line ${line}: ${message}`)
    this.line = line
  }
}

/**
 * Puts requests in order of time and renumbers what they follow. A request that is recorded earlier than the one it
 * follows, as a clock set back makes it, is put at the same time.
 *
 * @param requests `follows.request` is an index into this list, before the sorting, and smaller than its own
 */
export function inOrderOfTime(requests: readonly TraceRequest[]): readonly TraceRequest[] {
  const times: number[] = []
  for (const { atMs, follows } of requests) times.push(follows ? Math.max(atMs, times[follows.request] ?? 0) : atMs)
  const order = requests.map((_, index) => index).sort((a, b) => times[a]! - times[b]! || a - b)
  const places = new Uint32Array(requests.length)
  for (const [place, index] of order.entries()) places[index] = place
  return order.map(index => {
    const request = requests[index]!
    const { follows } = request
    return {
      ...request,
      atMs: times[index]!,
      follows: follows && { request: places[follows.request]!, thinkMs: follows.thinkMs },
    }
  })
}

/** The first requests of a trace: at most so many, and none that was sent later. What they follow is always among them. */
export function cutTrace(trace: Trace, most: { readonly requests?: number; readonly durationMs?: DurationMs }): Trace {
  const { requests = Number.POSITIVE_INFINITY, durationMs = Number.POSITIVE_INFINITY } = most
  const kept = trace.requests.filter(({ atMs }, index) => index < requests && atMs <= durationMs)
  return kept.length === trace.requests.length ? trace : { ...trace, requests: kept }
}
