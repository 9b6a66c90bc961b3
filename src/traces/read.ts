import { isAzure, readAzure } from './azure.ts'
import { type Line, linesOf } from './lines.ts'
import { isMooncake, readMooncake } from './mooncake.ts'
import { parseJson } from './record.ts'
import { isServegen, readServegen } from './servegen.ts'
import { isSession, readSessions, sessionLines } from './sessions.ts'
import { cutTrace, type Trace, TraceError } from './trace.ts'

export interface ReadOptions {
  /** Of everything that is drawn; 1 when not said. The same seed gives the same trace. */
  readonly seed?: number
  /** How many requests to keep, from the beginning. */
  readonly requests?: number
  /** How much of the recorded time to keep, in milliseconds. */
  readonly durationMs?: number
  /** Mean rate at which coding sessions begin; 60 when not said. */
  readonly sessionsPerHour?: number
  /** Where in ServeGen's recorded time to begin, in milliseconds; its beginning when not said. */
  readonly fromMs?: number
  /** ServeGen's file of lengths, which belongs to one of rates. */
  readonly lengths?: Uint8Array
}

const KNOWN =
  'expected a trace of Mooncake (JSON lines with timestamp, input_length, output_length, hash_ids), of Azure (csv with TIMESTAMP,ContextTokens,GeneratedTokens), sessions of coding tools (JSON with requests) or rates of ServeGen (csv with client,t_s,rate_rps,…)'

function* chain(first: Line, rest: Iterable<Line>): Generator<Line> {
  yield first
  yield* rest
}

/** One JSON value that takes many lines, or the fault of its first line. */
function wholeRecord(first: Line, rest: Iterable<Line>): { line: number; record: unknown } {
  const text = [first.text, ...Array.from(rest, line => line.text)].join('\n')
  try {
    return { line: first.number, record: JSON.parse(text) }
  } catch {
    return { line: first.number, record: parseJson(first.number, first.text) }
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function readJson(first: Line, rest: Iterable<Line>, options: ReadOptions): Trace {
  const { seed = 1, sessionsPerHour = 60 } = options
  if (!isWhole(first.text)) {
    return readSessions([wholeRecord(first, rest)], { seed, sessionsPerHour })
  }
  const record = parseJson(first.number, first.text)
  if (isObject(record) && isMooncake(record)) return readMooncake(chain(first, rest))
  if (isObject(record) && isSession(record))
    return readSessions(sessionLines(chain(first, rest)), { seed, sessionsPerHour })
  throw new TraceError(first.number, KNOWN)
}

function readAny(bytes: Uint8Array, options: ReadOptions): Trace {
  const lines = linesOf(bytes)
  const next = lines.next()
  if (next.done) throw new TraceError(null, `${KNOWN}; found nothing`)
  const first = next.value
  if (first.text.startsWith('{')) return readJson(first, lines, options)
  if (isAzure(first.text)) return readAzure(lines)
  if (!isServegen(first.text)) throw new TraceError(first.number, KNOWN)
  if (!options.lengths) {
    throw new TraceError(
      null,
      'these are rates of ServeGen: expected the file of lengths that belongs to them beside it',
    )
  }
  const { seed = 1, fromMs = 0, durationMs = Number.POSITIVE_INFINITY, requests = Number.POSITIVE_INFINITY } = options
  return readServegen(lines, linesOf(options.lengths), { seed, fromMs, durationMs, requests })
}

/**
 * Reads a recording, whose format is recognised by its content. Pure: the same bytes and options give the same trace.
 *
 * @param bytes the file, unpacked
 * @throws TraceError naming the line and what was expected there
 */
export function readTrace(bytes: Uint8Array, options: ReadOptions = {}): Trace {
  const trace = readAny(bytes, options)
  if (trace.requests.length === 0) throw new TraceError(null, 'expected at least one request, found none')
  return cutTrace(trace, options)
}
