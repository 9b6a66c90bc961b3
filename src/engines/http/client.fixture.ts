import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createRawServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../../ports/clock.ts'
import type { AttemptSink, EngineClient, RawHeaders, TransportFailure, UpstreamRequest } from '../../ports/engine.ts'
import type { DialectName } from '../../vocabulary/dialect.ts'
import { createHttpClient } from './client.ts'

export const clock: Clock = {
  now: () => 0,
  monotonic: () => performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay)
    return () => clearTimeout(timer)
  },
}

/** What a sink was told, in order. */
export class Told implements AttemptSink {
  readonly events: string[] = []
  status = 0
  headers: RawHeaders = []
  bytes = Buffer.alloc(0)
  failure: TransportFailure | null = null
  #resolve: () => void = () => {}
  readonly ended = new Promise<void>(resolve => {
    this.#resolve = resolve
  })
  onData: () => void = () => {}

  head(status: number, headers: RawHeaders): void {
    this.events.push('head')
    this.status = status
    this.headers = headers
  }

  data(chunk: Uint8Array): void {
    if (this.events.at(-1) !== 'data') this.events.push('data')
    this.bytes = Buffer.concat([this.bytes, chunk])
    this.onData()
  }

  end(): void {
    this.events.push('end')
    this.#resolve()
  }

  fail(failure: TransportFailure): void {
    this.events.push('fail')
    this.failure = failure
    this.#resolve()
  }
}

/** How to close what a test opened; the newest first. */
const opened: (() => unknown)[] = []

export async function closeAll(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close()
}

/** Has something closed when the test is over. */
export function closing(close: () => unknown): void {
  opened.push(close)
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** An upstream that reads each call and lets `answer` answer it. */
export async function upstream(
  answer: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', part => parts.push(part))
    request.on('end', () => answer(request, response, Buffer.concat(parts)))
    request.on('error', () => {})
  })
  const port = await listen(server)
  closing(() => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  })
  return `http://127.0.0.1:${port}/v1`
}

/** An upstream below HTTP: it is told of sockets as they come, and keeps those that are open. */
export async function rawUpstream(take: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const taken: Socket[] = []
  const server = createRawServer(socket => {
    sockets.add(socket)
    taken.push(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    take(socket)
  })
  const port = await listen(server)
  closing(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise(resolve => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${port}/v1`, sockets, taken }
}

/** Calls `answer` for each request with a short body that comes over the socket. */
export function onRequest(socket: Socket, answer: (request: string) => void): void {
  let heard = ''
  socket.on('data', data => {
    heard += data
    if (!heard.endsWith('}')) return
    const request = heard
    heard = ''
    answer(request)
  })
}

export function client(
  baseUrls: string | readonly string[],
  over: { dialect?: DialectName; silenceTimeoutMs?: number } = {},
): EngineClient {
  const made = createHttpClient({
    baseUrls: typeof baseUrls === 'string' ? [baseUrls] : baseUrls,
    dialects: [over.dialect ?? 'openai'],
    apiKey: 'sk-up',
    headers: { 'x-team': 'search' },
    silenceTimeoutMs: over.silenceTimeoutMs ?? 30_000,
    clock,
  })
  closing(() => made.close())
  return made
}

export const request = (over: Partial<UpstreamRequest> = {}): UpstreamRequest => ({
  deployment: { name: 'u/m', upstream: 'u', model: 'm', dialects: ['openai'], engine: null, replicas: 1, grams: null },
  endpoint: 'chat/completions',
  query: '',
  headers: [],
  body: [Buffer.from('{"a":'), Buffer.from('1}')],
  streamed: false,
  replica: 0,
  address: null,
  connectMs: 10_000,
  ...over,
})

/** One attempt to its end. */
export async function ask(engine: EngineClient, over: Partial<UpstreamRequest> = {}): Promise<Told> {
  const told = new Told()
  engine.attempt(request(over), told)
  await told.ended
  return told
}
