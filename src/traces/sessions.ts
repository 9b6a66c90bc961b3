import { z } from 'zod'
import { blocksIn, placeBlocks, rangesOf } from './blocks.ts'
import { drawExponential, seededUniform } from './draws.ts'
import type { Line } from './lines.ts'
import { blockId, checkRecord, parseJson, tokenCount } from './record.ts'
import { inOrderOfTime, type Trace, TraceError, type TraceRequest } from './trace.ts'

/** Blocks of a model's tools and system prompt that sessions share, at most; the longest recorded are 360. */
const MOST_SHARED_BLOCKS = 4096
const MS_PER_HOUR = 3_600_000

const seconds = z.number().min(0)
const requestSchema = z.object({
  t: seconds,
  type: z.string(),
  model: z.string().min(1),
  in: tokenCount,
  out: tokenCount,
  hash_ids: z.array(blockId).optional(),
  hash_ranges: z.array(z.tuple([blockId, blockId])).optional(),
  api_time: seconds.optional(),
  think_time: seconds.optional(),
})
const prefixFields = { tool_tokens: tokenCount, system_tokens: tokenCount }
const subagentSchema = z.object({
  t: seconds,
  type: z.literal('subagent'),
  agent_id: z.string().min(1),
  requests: z.array(requestSchema),
  ...prefixFields,
})
const sessionSchema = z.object({
  id: z.string().min(1),
  block_size: z.int().min(1),
  requests: z.array(z.looseObject({ type: z.string() })),
  ...prefixFields,
})

type Request = z.infer<typeof requestSchema>
type Session = z.infer<typeof sessionSchema>

/** A request taken out of the tree of its session. */
interface Turn {
  readonly request: Request
  /** Since the session began, in seconds. */
  readonly startS: number
  /** Tokens of the tools and system prompt that its prompt begins with. */
  readonly prefixTokens: number
  readonly conversation: string
  /** The turn before it, of which its user or agent saw the answer: an index into the session's turns. */
  readonly previous: number | null
}

/** Whether a first record looks like a coding tool's session. */
export function isSession(record: object): boolean {
  return 'requests' in record
}

/** The turns of a session, sub-agents' included, each after the one it follows. */
function turnsOf(line: number, session: Session): Turn[] {
  const turns: Turn[] = []
  const prefixTokens = session.tool_tokens + session.system_tokens
  let previous: number | null = null
  for (const node of session.requests) {
    if (node.type === 'subagent') {
      const agent = checkRecord(line, subagentSchema, node)
      const conversation = `${session.id}/${agent.agent_id}`
      let before: number | null = previous
      for (const request of agent.requests) {
        const ownPrefix = agent.tool_tokens + agent.system_tokens
        const startS = agent.t + request.t
        before = turns.push({ request, startS, prefixTokens: ownPrefix, conversation, previous: before }) - 1
      }
    } else {
      const request = checkRecord(line, requestSchema, node)
      previous = turns.push({ request, startS: request.t, prefixTokens, conversation: session.id, previous }) - 1
    }
  }
  return turns
}

function localRanges(line: number, request: Request, blockTokens: number): readonly number[] {
  if (!request.hash_ids && !request.hash_ranges) {
    throw new TraceError(line, 'expected `hash_ranges` or `hash_ids` in every request')
  }
  for (const [first, last] of request.hash_ranges ?? []) {
    if (last >= first) continue
    throw new TraceError(line, `hash_ranges: expected [first, last] in rising order, found [${first}, ${last}]`)
  }
  const ranges = request.hash_ids ? rangesOf(request.hash_ids) : request.hash_ranges!.flat()
  const most = Math.ceil(request.in / blockTokens)
  if (blocksIn(ranges) > most) {
    throw new TraceError(
      line,
      `expected at most ${most} blocks of ${blockTokens} tokens for ${request.in} input tokens, found ${blocksIn(ranges)}`,
    )
  }
  return ranges
}

/** From the end of the earlier answer; by the clock where the recording has no think time or another conversation began. */
function thinkSeconds(turn: Turn, earlier: Turn): number {
  const recorded = turn.conversation === earlier.conversation ? turn.request.think_time : undefined
  return recorded ?? Math.max(0, turn.startS - earlier.startS - (earlier.request.api_time ?? 0))
}

export interface SessionOptions {
  readonly seed: number
  /** Mean rate at which sessions begin; positive. */
  readonly sessionsPerHour: number
}

/** Reads one session after the other and gives their blocks ids that are unique over the whole trace. */
class SessionReader {
  readonly requests: TraceRequest[] = []
  blockTokens: number | null = null
  blockIds = 0
  /** Where the shared prefix of each model lies. */
  readonly #prefixes = new Map<string, number>()

  read(line: number, record: unknown, startMs: number): void {
    const session = checkRecord(line, sessionSchema, record)
    const blockTokens = session.block_size
    this.blockTokens ??= blockTokens
    if (blockTokens !== this.blockTokens) {
      throw new TraceError(
        line,
        `block_size: expected ${this.blockTokens} as in the first session, found ${blockTokens}`,
      )
    }
    const turns = turnsOf(line, session)
    const local = turns.map(({ request }) => localRanges(line, request, blockTokens))
    const base = this.#take(local.flat().reduce((most, id) => Math.max(most, id + 1), 0))
    const first = this.requests.length
    for (const [index, turn] of turns.entries()) {
      const { request, conversation, previous } = turn
      const shared = Math.min(blocksIn(local[index]!), Math.floor(turn.prefixTokens / blockTokens), MOST_SHARED_BLOCKS)
      this.requests.push({
        atMs: startMs + turn.startS * 1000,
        model: request.model,
        inputTokens: request.in,
        outputTokens: request.out,
        blocks: placeBlocks(local[index]!, base, shared, this.#prefixOf(request.model)),
        tenant: session.id,
        session: conversation,
        follows:
          previous === null
            ? null
            : { request: first + previous, thinkMs: thinkSeconds(turn, turns[previous]!) * 1000 },
      })
    }
  }

  /** @returns the first of `count` fresh ids */
  #take(count: number): number {
    this.blockIds += count
    return this.blockIds - count
  }

  #prefixOf(model: string): number {
    let first = this.#prefixes.get(model)
    if (first === undefined) {
      first = this.#take(MOST_SHARED_BLOCKS)
      this.#prefixes.set(model, first)
    }
    return first
  }
}

/**
 * Reads sessions of coding tools: one session a line with its `requests`, sub-agents among them, and their prompts'
 * blocks as `hash_ranges` or `hash_ids` that mean something only inside the session. The recordings have no time in
 * common, so sessions begin as a Poisson process; the blocks of the tools and the system prompt are taken to be the same
 * in all sessions of a model.
 *
 * @param records parsed lines, one session each
 * Source: traces of callanjfox/kv-cache-tester.
 */
export function readSessions(records: Iterable<{ line: number; record: unknown }>, options: SessionOptions): Trace {
  const uniform = seededUniform(options.seed)
  const reader = new SessionReader()
  let startMs = 0
  for (const { line, record } of records) {
    reader.read(line, record, startMs)
    startMs += (drawExponential(uniform) * MS_PER_HOUR) / options.sessionsPerHour
  }
  return {
    format: 'sessions',
    requests: inOrderOfTime(reader.requests),
    blockTokens: reader.blockTokens,
    blockIds: reader.blockIds,
    notes: [`sessions have no time in common: they begin as a Poisson process of ${options.sessionsPerHour} an hour`],
  }
}

/** The sessions of a file with one session a line. */
export function* sessionLines(lines: Iterable<Line>): Generator<{ line: number; record: unknown }> {
  for (const { number, text } of lines) yield { line: number, record: parseJson(number, text) }
}
