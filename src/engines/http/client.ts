import type { Clock } from '../../ports/clock.ts'
import type { AttemptHandle, AttemptSink, EngineClient, UpstreamRequest } from '../../ports/engine.ts'
import type { DurationMs } from '../../units/time.ts'
import type { DialectName } from '../../vocabulary/dialect.ts'
import { AttemptDispatch } from './attempt.ts'
import { sendable } from './body.ts'
import type { ConnectionTerms } from './connection.ts'
import { type UpstreamHeaders, upstreamHeaders } from './headers.ts'
import { Replicas } from './replicas.ts'

export interface HttpClientOptions {
  /** Of each replica, in the order in which requests count them: what stands before `/chat/completions` or `/messages`. */
  readonly baseUrls: readonly string[]
  readonly dialects: readonly DialectName[]
  /** Sent as bearer in OpenAI's dialect and as `x-api-key` in Anthropic's; null sends none. */
  readonly apiKey: string | null
  /** Added to every request, before those of the caller. */
  readonly headers: Readonly<Record<string, string>>
  /** Bound on the silence before the headers and between two pieces of an answer. */
  readonly silenceTimeoutMs: DurationMs
  /** Bounds the opening of connections. */
  readonly clock: Clock
}

/**
 * How long an idle connection is kept when the upstream does not say, and how much sooner than it says we close it. A
 * call that is sent just as the upstream closes is lost, and may not be sent twice; engines close after five seconds.
 */
const IDLE_MS: DurationMs = 2_000
const IDLE_MARGIN_MS: DurationMs = 3_000

/**
 * A client of one upstream over HTTP/1.1: for each replica a connection for each call under way, and idle ones for a
 * while. HTTP/2 stays off, since its shared window lets one slow reader hold up all others.
 */
export function createHttpClient(options: HttpClientOptions): EngineClient {
  const terms: ConnectionTerms = {
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: IDLE_MS,
    keepAliveTimeoutThreshold: IDLE_MARGIN_MS,
    headersTimeout: options.silenceTimeoutMs,
    bodyTimeout: options.silenceTimeoutMs,
  }
  const replicas = new Replicas(options.baseUrls, terms, options.clock)
  const headersFor = new Map<DialectName, UpstreamHeaders>()
  for (const dialect of options.dialects) headersFor.set(dialect, upstreamHeaders(dialect, options))
  return {
    attempt(request: UpstreamRequest, sink: AttemptSink): AttemptHandle {
      const { deployment, endpoint, query, headers, body } = request
      const dialect: DialectName = endpoint.startsWith('messages') ? 'anthropic' : 'openai'
      const own = headersFor.get(dialect)
      if (!own) throw new Error(`upstream of ${deployment.name} does not speak ${dialect}`)
      const replica = replicas.find(request)
      if (!replica) throw new Error(`upstream of ${deployment.name} has no replica ${request.replica}`)
      const path = `${replica.pathPrefix}/${endpoint}${query}`
      const make = () => ({ path, method: 'POST', ...sendable(own.merge(headers), body) }) as const
      const attempt = new AttemptDispatch(replica.connections, request.connectMs, make, sink)
      attempt.start()
      return attempt
    },
    async close() {
      await replicas.close()
    },
  }
}
