import { Readable } from 'node:stream'
import { type Dispatcher, Pool } from 'undici'
import type { AttemptHandle, AttemptSink, EngineClient, RawHeaders, UpstreamRequest } from '../../ports/engine.ts'
import type { DialectName } from '../../vocabulary/dialect.ts'
import { AttemptDispatch } from './attempt.ts'
import { type UpstreamHeaders, upstreamHeaders } from './headers.ts'

export interface HttpClientOptions {
  /** What stands before `/chat/completions` or `/messages`. */
  readonly baseUrl: string
  readonly dialects: readonly DialectName[]
  /** Sent as bearer in OpenAI's dialect and as `x-api-key` in Anthropic's; null sends none. */
  readonly apiKey: string | null
  /** Added to every request, before those of the caller. */
  readonly headers: Readonly<Record<string, string>>
  /** Bound on opening a connection. */
  readonly connectTimeoutMs: number
  /** Bound on the silence before the headers and between two pieces of an answer. */
  readonly silenceTimeoutMs: number
}

/**
 * How long an idle connection is kept when the upstream does not say, and how much sooner than it says we close it. A
 * call that is sent just as the upstream closes is lost, and may not be sent twice; engines close after five seconds.
 */
const IDLE_MS = 2_000
const IDLE_MARGIN_MS = 3_000

/** Up to here a body is sent in one piece; undici keeps it until the answer has ended. */
const KEPT_BODY_BYTES = 65_536

/**
 * Headers and body as undici takes them. A large body goes as pieces that are let go as they are sent, since the answer
 * may stream for minutes after its prompt.
 */
function sendable(
  headers: RawHeaders,
  pieces: readonly Uint8Array[],
): Pick<Dispatcher.DispatchOptions, 'headers' | 'body'> {
  let bytes = 0
  for (const piece of pieces) bytes += piece.length
  if (bytes <= KEPT_BODY_BYTES) {
    return { headers: headers as string[], body: pieces.length === 1 ? pieces[0] : Buffer.concat(pieces) }
  }
  const body = Readable.from(handedOver(pieces), { objectMode: false, highWaterMark: KEPT_BODY_BYTES })
  return { headers: [...headers, 'content-length', bytes.toString()], body }
}

function* handedOver(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  const left = [...pieces]
  for (let piece = left.shift(); piece !== undefined; piece = left.shift()) yield piece
}

/**
 * A client of one upstream over HTTP/1.1: a pool that opens a connection for each call under way and keeps idle ones.
 * HTTP/2 stays off, since its shared window lets one slow reader hold up all others.
 */
export function createHttpClient(options: HttpClientOptions): EngineClient {
  const base = new URL(options.baseUrl)
  const pathPrefix = base.pathname.replace(/\/+$/, '')
  const headersFor = new Map<DialectName, UpstreamHeaders>()
  for (const dialect of options.dialects) headersFor.set(dialect, upstreamHeaders(dialect, options))
  const pool = new Pool(base.origin, {
    connections: null,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: IDLE_MS,
    keepAliveTimeoutThreshold: IDLE_MARGIN_MS,
    connect: { timeout: options.connectTimeoutMs, noDelay: true },
    headersTimeout: options.silenceTimeoutMs,
    bodyTimeout: options.silenceTimeoutMs,
  })
  return {
    attempt(request: UpstreamRequest, sink: AttemptSink): AttemptHandle {
      const dialect: DialectName = request.endpoint.startsWith('messages') ? 'anthropic' : 'openai'
      const own = headersFor.get(dialect)
      if (!own) throw new Error(`upstream of ${request.deployment.name} does not speak ${dialect}`)
      const attempt = new AttemptDispatch(sink)
      const path = `${pathPrefix}/${request.endpoint}${request.query}`
      attempt.start(pool, { path, method: 'POST', ...sendable(own.merge(request.headers), request.body) })
      return attempt
    },
    close: () => pool.destroy(),
  }
}
