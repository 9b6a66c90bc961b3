import { Escrow } from '../policy/escrow/escrow.ts'
import { tariffFromOverride } from '../policy/pricing/tariff.ts'
import type { AttemptSink, EngineClient, RawHeaders, UpstreamRequest } from '../ports/engine.ts'
import type { CallTimings } from '../ports/observer.ts'
import type { Reply } from '../ports/reply.ts'
import type { ParsedBody, StreamReader, Wire } from '../ports/wire.ts'
import type { Deployment } from '../vocabulary/deployment.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import type { RefusalCause } from '../vocabulary/refusal.ts'
import type { Usage } from '../vocabulary/usage.ts'
import type { Call } from './call.ts'
import { Life } from './life.ts'
import { DEFAULT_BOUNDS, type World } from './world.ts'

/**
 * A wire of one's own for tests: a stream is letters, of which lower case is content, `U` reports usage, `E` is an error
 * event and `.` the terminal event. A plain answer is sound unless it begins with `!` and reports usage with `U`.
 */
const USAGE: Usage = {
  inputTokens: 10,
  cachedInputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 5,
  reasoningTokens: 0,
  source: 'reported',
}

class LetterReader implements StreamReader {
  sawContent = false
  ended = false
  sawError = false
  usage: Usage | null = null
  usageFinal = false
  contentBytes = 0

  push(chunk: Uint8Array): Uint8Array | null {
    let shown = ''
    for (const letter of Buffer.from(chunk).toString()) {
      if (this.ended) break
      if (letter === '.') this.ended = true
      else shown += letter
      if (letter === 'U') {
        this.usage = USAGE
        this.usageFinal = true
      } else if (letter === 'E') this.sawError = true
      else if (letter !== '.') {
        this.sawContent = true
        this.contentBytes += 10
      }
    }
    return shown === '' ? null : Buffer.from(shown)
  }

  finish() {
    return { whole: this.ended, beforeComment: null, lastEvent: this.ended ? Buffer.from('.') : null }
  }
}

const wire: Wire = {
  endpoint: 'chat/completions',
  parseBody: () => ({ fault: 'tests bring their bodies parsed' }),
  readAnswer(bytes) {
    const text = Buffer.from(bytes).toString()
    const sound = !text.startsWith('!')
    const usage = sound && text.includes('U') ? USAGE : null
    return { usage, contentBytes: sound ? text.length : 0, sound, error: text.startsWith('!error') }
  },
  openStream: () => new LetterReader(),
  closingComment: fields => Buffer.from(`[${fields.dollars}]`),
  streamError: refusal => Buffer.from(`<${refusal.cause}>`),
}

export const DEPLOYMENT: Deployment = { name: 'u/m', upstream: 'u', model: 'm', dialects: ['openai'], engine: null }

function body(streamed: boolean): ParsedBody {
  return {
    model: 'fast',
    streamed,
    maxOutputTokens: 100,
    choices: 1,
    wantsUsage: false,
    promptBytes: 40,
    promptWeight: 30,
    forUpstream: () => [Buffer.from('{}')],
    release: () => {},
  }
}

/** A caller that notes what it is sent, in order. */
export class NotedReply implements Reply {
  readonly events: string[] = []
  headSent = false
  status = 0
  headers: RawHeaders = []
  text = ''
  full = false
  onDrain: (() => void) | null = null
  onLeft: (() => void) | null = null

  head(status: number, headers: RawHeaders): void {
    this.events.push('head')
    this.headSent = true
    this.status = status
    this.headers = headers
  }

  write(bytes: Uint8Array): boolean {
    this.events.push('write')
    this.text += Buffer.from(bytes).toString()
    return !this.full
  }

  end(bytes?: Uint8Array): void {
    this.events.push('end')
    if (bytes !== undefined) this.text += Buffer.from(bytes).toString()
  }

  cut(): void {
    this.events.push('cut')
  }

  header(name: string): string | undefined {
    const at = this.headers.indexOf(name)
    return at < 0 ? undefined : this.headers[at + 1]
  }
}

/** One life before an upstream, a ledger and a caller that a test plays by hand. */
export function stageLife(
  over: { readonly streamed?: boolean; readonly priced?: boolean; readonly writable?: boolean } = {},
) {
  const stage = {
    escrow: new Escrow(),
    reply: new NotedReply(),
    records: [] as CallRecord[],
    refused: [] as RefusalCause[],
    lost: [] as CallRecord[],
    ended: 0,
    aborted: 0,
    paused: false,
    now: 1_800_000_000_000,
    sink: null as AttemptSink | null,
    request: null as UpstreamRequest | null,
    durable: null as ((failure: Error | null) => void) | null,
    timers: [] as (() => void)[],
  }
  const engine: EngineClient = {
    attempt(request, sink) {
      stage.request = request
      stage.sink = sink
      return {
        pause: () => {
          stage.paused = true
        },
        resume: () => {
          stage.paused = false
        },
        abort: () => {
          stage.aborted++
          stage.sink = null
        },
      }
    },
    close: async () => {},
  }
  const tariff = over.priced === false ? null : tariffFromOverride({ input: '1', output: '2' }, 'test')
  const world: World = {
    clock: {
      now: () => stage.now,
      monotonic: () => stage.now - 1_700_000_000_000,
      after(_, callback) {
        stage.timers.push(callback)
        return () => stage.timers.splice(stage.timers.indexOf(callback), 1)
      },
    },
    ledger: {
      get writable() {
        return over.writable ?? true
      },
      append(record, durable) {
        stage.records.push(record)
        stage.durable = durable
      },
    },
    escrow: stage.escrow,
    observer: {
      callStarted: () => {},
      callEnded: (_record: CallRecord, _timings: CallTimings) => {
        stage.ended++
      },
      recordLost: record => {
        stage.lost.push(record)
      },
      callRefused: cause => stage.refused.push(cause),
    },
    engine: () => engine,
    tariff: () => tariff,
    bounds: { ...DEFAULT_BOUNDS, answerBytes: 1_000 },
  }
  const call: Call = {
    id: 'pen_00000000000000',
    arrivedAt: stage.now,
    arrived: world.clock.monotonic(),
    wire,
    dialect: {
      name: 'openai',
      requestIdHeader: 'x-request-id',
      refusal: refusal => ({ status: 502, headers: [], body: Buffer.from(refusal.cause) }),
      answerHeaders: headers => headers,
    },
    model: { name: 'fast', deployments: [DEPLOYMENT], route: 'inOrder', maxOutputTokens: null, createdAt: 0 },
    caller: { key: 'ci', team: null, user: null, tags: {}, run: null },
    body: body(over.streamed ?? false),
    query: '',
    headers: [],
    traceparent: null,
  }
  const life = new Life(call, stage.reply, world)
  life.start()
  return { stage, life }
}
