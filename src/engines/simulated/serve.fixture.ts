import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../../ports/clock.ts'
import type { AttemptHandle, EngineClient, RawHeaders, UpstreamRequest } from '../../ports/engine.ts'
import type { Deployment } from '../../vocabulary/deployment.ts'
import type { Endpoint } from '../../vocabulary/dialect.ts'
import { createSimulatedEngine, type SimulatedEngine, type SimulatedEngineOptions } from './engine.ts'

export const DEPLOYMENT: Deployment = {
  name: 'sim/Llama-3.1-8B',
  upstream: 'sim',
  model: 'Llama-3.1-8B',
  dialects: ['openai', 'anthropic'],
  engine: 'simulated',
  replicas: 1,
  grams: null,
}

export const TEST_CLOCK: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  monotonic: () => performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay)
    return () => clearTimeout(timer)
  },
}

/** A clock that moves only when it is told to. */
export class ManualClock implements Clock {
  #now = 1_000_000
  #timers: { readonly at: number; readonly callback: () => void }[] = []

  now(): number {
    return 1_767_225_600_000 + this.#now
  }

  monotonic(): number {
    return this.#now
  }

  after(delay: number, callback: () => void): () => void {
    const timer = { at: this.#now + delay, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  get timers(): number {
    return this.#timers.length
  }

  /** Lets time pass, with every timer at its own time. */
  pass(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      this.#timers = this.#timers.filter(timer => timer !== next)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
    }
    this.#now = end
  }
}

export function engineOf(over: Partial<SimulatedEngineOptions> = {}): SimulatedEngine {
  return createSimulatedEngine({
    model: 'Llama-3.1-8B',
    accelerator: { kind: 'H100-SXM', count: 1 },
    replicas: 1,
    speed: 50,
    clock: TEST_CLOCK,
    ...over,
  })
}

export function requestOf(endpoint: Endpoint, body: unknown): UpstreamRequest {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const streamed = typeof body === 'object' && body !== null && (body as { stream?: unknown }).stream === true
  return {
    deployment: DEPLOYMENT,
    endpoint,
    query: '',
    headers: [],
    body: [Buffer.from(text)],
    streamed,
    replica: 0,
    address: null,
    connectMs: 1_000,
  }
}

/** What a sink was told. */
export interface Heard {
  status: number
  headers: RawHeaders
  readonly chunks: string[]
  end: 'open' | 'ended' | 'failed'
  failure: string
  handle: AttemptHandle
}

/** Makes an attempt and writes down what its sink hears; `onData` may act on the handle. */
export function listen(
  engine: EngineClient,
  endpoint: Endpoint,
  body: unknown,
  onData: (heard: Heard) => void = () => {},
): Heard {
  const heard = { status: 0, headers: [], chunks: [], end: 'open', failure: '' } as unknown as Heard
  heard.handle = engine.attempt(requestOf(endpoint, body), {
    head(status, headers) {
      heard.status = status
      heard.headers = headers
    },
    data(chunk) {
      heard.chunks.push(Buffer.from(chunk).toString('utf8'))
      onData(heard)
    },
    end() {
      heard.end = 'ended'
    },
    fail({ kind, message }) {
      heard.end = 'failed'
      heard.failure = `${kind}: ${message}`
    },
  })
  return heard
}

/** The body of a plain answer. */
export async function answerOf(
  engine: EngineClient,
  endpoint: Endpoint,
  body: unknown,
): Promise<{ status: number; json: never }> {
  const heard = listen(engine, endpoint, body)
  while (heard.end === 'open') await new Promise(resolve => setTimeout(resolve, 1))
  return { status: heard.status, json: JSON.parse(heard.chunks.join('')) as never }
}

/** Serves an engine over HTTP on a free port of loopback, for the official clients. */
export async function serve(engine: EngineClient): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', piece => pieces.push(piece))
    request.on('end', () => {
      const endpoint = request.url!.split('?')[0]!.replace('/v1/', '') as Endpoint
      const upstream = { ...requestOf(endpoint, ''), body: [Buffer.concat(pieces)] }
      const handle = engine.attempt(upstream, {
        head: (status, headers) => void response.writeHead(status, [...headers]),
        data(chunk) {
          if (!response.write(chunk)) handle.pause()
        },
        end: () => void response.end(),
        fail: () => void response.destroy(),
      })
      response.on('drain', () => handle.resume())
      response.on('close', () => handle.abort())
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
