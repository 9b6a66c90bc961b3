import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { ENDPOINTS, type Endpoint } from '../vocabulary/dialect.ts'
import { answerBytes, refuse } from './answer.ts'
import { CallRoutes } from './calls.ts'
import type { GatewayOptions } from './options.ts'
import { ReadRoutes } from './reads.ts'

/** Longer than common load balancers keep idle connections, so that they close first and no request falls between. */
const KEEP_ALIVE_MS = 75_000

const CALLS: ReadonlyMap<string, Endpoint> = new Map(ENDPOINTS.map(endpoint => [`/v1/${endpoint}`, endpoint]))
/** When a silent caller's machine is first asked whether it is still there. */
const PROBE_MS = 30_000
/** A connection on which nothing moved for longer than any upstream may take belongs to nobody. */
const SILENT_MS = 660_000
/** How often, while draining, connections without a call are closed. */
const IDLE_SWEEP_MS = 50

/** Paths that exist, with another method than was used. */
const READS = ['/v1/models', '/v1/limits', '/health/live', '/health/ready', '/metrics', '/']

/** The data plane: HTTP in, lives out. */
export class Gateway {
  readonly server: Server
  readonly #calls: CallRoutes
  readonly #reads: ReadRoutes
  readonly #options: GatewayOptions
  #draining = false

  constructor(options: GatewayOptions) {
    this.#options = options
    this.#calls = new CallRoutes(options)
    this.#reads = new ReadRoutes(options)
    const sockets = { keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true, keepAlive: true, keepAliveInitialDelay: PROBE_MS }
    this.server = createServer(sockets, (request, response) => this.#route(request, response))
    this.server.timeout = SILENT_MS
  }

  /** Calls that have begun and not ended. */
  get livesUnderWay(): number {
    return this.#calls.lives.size
  }

  /**
   * Listens; resolves with the port, which is the one asked for unless that was 0.
   *
   * @param reusePort whether other threads listen there too, and the system shares connections out among them
   */
  listen(address: { readonly host: string; readonly port: number; readonly reusePort?: boolean }): Promise<number> {
    const { host, port, reusePort = false } = address
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen({ host, port, reusePort, backlog: 4096 }, () => {
        this.server.off('error', reject)
        const bound = this.server.address()
        resolve(typeof bound === 'object' && bound !== null ? bound.port : port)
      })
    })
  }

  /** Stops accepting, lets calls under way finish for `drainMs`, then breaks off what is left. */
  async drain(drainMs: number): Promise<void> {
    this.#draining = true
    const closed = new Promise<void>(resolve => this.server.close(() => resolve()))
    // A connection whose call was under way falls idle later, and would hold the server open until it times out.
    const sweep = setInterval(() => this.server.closeIdleConnections(), IDLE_SWEEP_MS)
    this.server.closeIdleConnections()
    const timer = setTimeout(() => {
      this.#calls.stop()
    }, drainMs)
    // A life that was broken off still writes its record; a caller that does not read must not hold up the stop.
    const last = setTimeout(() => this.server.closeAllConnections(), drainMs + 1_000)
    await closed
    clearInterval(sweep)
    clearTimeout(timer)
    clearTimeout(last)
  }

  #route(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url!
    const queryAt = url.indexOf('?')
    const path = queryAt < 0 ? url : url.slice(0, queryAt)
    const query = queryAt < 0 ? '' : url.slice(queryAt)
    if (this.#draining) response.setHeader('connection', 'close')
    const endpoint = CALLS.get(path)
    if (endpoint !== undefined && request.method === 'POST') this.#calls.handle(request, response, endpoint, query)
    else if (path.startsWith('/admin/')) this.#options.admin(request, response)
    else if (request.method === 'GET' || request.method === 'HEAD') this.#read(request, response, path, query)
    else this.#unknown(request, response, path)
  }

  #read(request: IncomingMessage, response: ServerResponse, path: string, query: string): void {
    if (path === '/v1/models') this.#reads.models(request, response, query)
    else if (path.startsWith('/v1/models/')) this.#reads.model(request, response, path.slice('/v1/models/'.length))
    else if (path.startsWith('/v1/receipts/'))
      this.#reads.receipt(request, response, path.slice('/v1/receipts/'.length))
    else if (path === '/v1/limits') this.#reads.limits(request, response)
    else if (path === '/health/live') this.#reads.health(request, response, true)
    else if (path === '/health/ready')
      this.#reads.health(request, response, !this.#draining && this.#options.world.ledger.writable)
    else if (path === '/metrics') this.#reads.metrics(request, response)
    // Coding tools ask whether anybody is there before they begin.
    else if (path === '/' && request.method === 'HEAD') answerBytes(response, 200, 'text/plain', Buffer.alloc(0))
    else this.#unknown(request, response, path)
  }

  #unknown(request: IncomingMessage, response: ServerResponse, path: string): void {
    const dialect = path.startsWith('/v1/messages') ? 'anthropic' : 'openai'
    if (CALLS.has(path) || READS.includes(path)) {
      const expected = CALLS.has(path) ? 'POST' : path === '/' ? 'HEAD' : 'GET'
      const message = `${request.method} is not served at ${path}: expected ${expected}`
      const status = refuse(response, dialect, { cause: 'methodNotAllowed', message })
      return this.#options.world.observer.callRefused('methodNotAllowed', status, null)
    }
    const status = refuse(response, dialect, {
      cause: 'notFound',
      message: `nothing is served at ${path.slice(0, 200)}`,
    })
    this.#options.world.observer.callRefused('notFound', status, null)
  }
}
