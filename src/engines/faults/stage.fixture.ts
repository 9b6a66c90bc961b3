import { expect } from 'vitest'
import type { AttemptHandle, AttemptSink, EngineClient, RawHeaders, UpstreamRequest } from '../../ports/engine.ts'
import type { Endpoint } from '../../vocabulary/dialect.ts'
import { engineOf, ManualClock, requestOf } from '../simulated/serve.fixture.ts'
import { randomFrom } from './choose.ts'
import { faultyEngine } from './engine.ts'
import { DEFAULT_TOKENS, DEFAULT_WAIT_MS, type Fault, type FaultKind, type FaultPlan } from './plan.ts'

export const CONNECT_MS = 1_000
export const LONG_MS = 600_000

export function faultOf(kind: FaultKind, over: Partial<Fault> = {}): Fault {
  return {
    upstream: '*',
    replica: null,
    kind,
    share: 1,
    afterMs: 0,
    forMs: null,
    everyMs: null,
    tokens: DEFAULT_TOKENS[kind] ?? 0,
    waitMs: DEFAULT_WAIT_MS[kind] ?? 0,
    status: 503,
    retryAfter: null,
    ...over,
  }
}

/** What a sink heard, and when of the clock's time since the attempt. */
export interface Heard {
  status: number | null
  headers: RawHeaders
  text: string
  end: 'open' | 'ended' | 'unreachable' | 'cut' | 'timedOut'
  readonly at: number[]
  handle: AttemptHandle
}

export function listen(
  engine: EngineClient,
  clock: ManualClock,
  request: UpstreamRequest,
  over: Partial<AttemptSink> = {},
): Heard {
  const began = clock.monotonic()
  const heard = { status: null, headers: [], text: '', end: 'open', at: [] } as unknown as Heard
  heard.handle = engine.attempt(request, {
    head(status, headers) {
      expect(heard.status).toBe(null)
      heard.status = status
      heard.headers = headers
    },
    data(chunk) {
      expect([heard.end, heard.status === null]).toEqual(['open', false])
      heard.text += Buffer.from(chunk).toString('utf8')
      heard.at.push(clock.monotonic() - began)
    },
    end() {
      expect(heard.end).toBe('open')
      heard.end = 'ended'
    },
    fail({ kind }) {
      expect(heard.end).toBe('open')
      heard.end = kind
    },
    ...over,
  })
  expect(heard.status).toBe(null)
  return heard
}

/** A simulated engine whose attempts are counted, with a plan of faults before it. */
export function stage(faults: readonly Fault[], seed = 1) {
  const clock = new ManualClock()
  const simulated = engineOf({ clock, speed: 1, replicas: 2 })
  const asked: UpstreamRequest[] = []
  const inner: EngineClient = {
    attempt(request, sink) {
      asked.push(request)
      return simulated.attempt(request, sink)
    },
    close: () => simulated.close(),
  }
  const plan: FaultPlan = { faults, seed, startedAt: clock.now() }
  const engine = faultyEngine(inner, plan, { clock, random: randomFrom(seed) })
  const idle = () => simulated.replicas().every(({ running, waiting }) => running + waiting === 0)
  return { clock, engine, asked, idle }
}

const BODY = {
  model: 'm',
  max_tokens: 40,
  ignore_eos: true,
  messages: [{ role: 'user', content: 'Is the pump well?' }],
}
const BODIES: Readonly<Partial<Record<Endpoint, object>>> = {
  'chat/completions': { ...BODY, stream_options: { include_usage: true } },
  messages: BODY,
  responses: { model: 'm', max_output_tokens: 40, ignore_eos: true, input: 'Is the pump well?' },
}
export const ENDPOINTS = Object.keys(BODIES) as Endpoint[]

export function ask(endpoint: Endpoint, streamed: boolean): UpstreamRequest {
  const body = { ...BODIES[endpoint]!, stream: streamed }
  return { ...requestOf(endpoint, streamed ? body : { ...body, stream_options: undefined }), connectMs: CONNECT_MS }
}

/** Texts of the frames with content, in any dialect. */
const CONTENT = /"(?:delta":\{"content|text_delta","text|output_index":0,"content_index":0,"delta)":"([^"]+)"/g
export const wordsOf = (text: string) => [...text.matchAll(CONTENT)].map(([, word]) => word!)
export const framesOf = (text: string) => text.split('\n\n').filter(Boolean)

export function played(fault: Fault, endpoint: Endpoint, streamed: boolean, ms = LONG_MS) {
  const { engine, clock, asked, idle } = stage([fault])
  const heard = listen(engine, clock, ask(endpoint, streamed))
  clock.pass(ms)
  return { ...heard, asked: asked.length, idle: idle(), words: wordsOf(heard.text) }
}

/** The same answer without a fault. */
export function whole(endpoint: Endpoint, streamed: boolean) {
  return played(faultOf('refuse', { upstream: 'nobody' }), endpoint, streamed)
}
export const typeOf = ({ headers }: { headers: RawHeaders }) => headers[headers.indexOf('content-type') + 1]
