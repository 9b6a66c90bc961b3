import { EventEmitter } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recordOf } from '../control/stage.fixture.ts'
import type { LineSink } from './log/line-buffer.ts'
import { createTelemetry } from './telemetry.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const TIMINGS = { gatewayMs: 0.1, queueMs: 0, upstreamMs: 801, commitMs: 1.2, traceparent: null }

class Sink extends EventEmitter implements LineSink {
  text = ''
  write(text: string): void {
    this.text += text
  }
  flushSync(): void {}
  end(): void {
    queueMicrotask(() => this.emit('close'))
  }
  lines(): readonly Record<string, unknown>[] {
    return this.text.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line)]))
  }
}

interface SentSpan {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status: { readonly code: number; readonly message?: string }
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[]
}

/** A collector that takes OTLP over HTTP as JSON and keeps the spans. */
class Collector {
  readonly spans: SentSpan[] = []
  readonly services = new Set<unknown>()
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      let text = ''
      request.on('data', (piece: Buffer) => {
        text += piece
      })
      request.on('end', () => {
        this.#take(JSON.parse(text))
        response.setHeader('content-type', 'application/json').end('{}')
      })
    })
  }

  async open(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise(resolve => this.#server.close(() => resolve()))
  }

  #take(sent: {
    resourceSpans: {
      resource: { attributes: { key: string; value: { stringValue?: string } }[] }
      scopeSpans: { spans: SentSpan[] }[]
    }[]
  }): void {
    for (const { resource, scopeSpans } of sent.resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === 'service.name')
      this.services.add(service?.value.stringValue)
      this.spans.push(...scopeSpans.flatMap(({ spans }) => spans))
    }
  }
}

function attributesOf(span: SentSpan): Record<string, unknown> {
  return Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}

describe('telemetry', () => {
  it('logs one line for each call and each refusal, in order, and all of them before it is closed', async () => {
    const sink = new Sink()
    const telemetry = createTelemetry({ env: {}, log: sink })
    telemetry.callEnded(recordOf(0), TIMINGS)
    telemetry.logger.warn('something else')
    telemetry.callRefused('invalidKey', 401, null)
    telemetry.callEnded(recordOf(1, { outcome: 'failed', status: 502 }), TIMINGS)
    await telemetry.close()
    expect(sink.lines()).toMatchObject([
      { level: 'info', msg: 'call', id: recordOf(0).id, outcome: 'completed', dollars: '0.0015' },
      { level: 'warn', msg: 'something else' },
      { level: 'info', msg: 'call', outcome: 'refused', cause: 'invalidKey', status: 401, key: null },
      { level: 'warn', msg: 'call', outcome: 'failed', status: 502 },
    ])
    for (const { time } of sink.lines()) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  it.each([
    ['warn', ['failed']],
    ['ERROR', []],
    ['silent', []],
    ['nonsense', ['completed', 'refused', 'failed']],
  ])('at level %s it logs calls that %o', async (level, expected) => {
    const sink = new Sink()
    const telemetry = createTelemetry({ env: { PENSTOCK_LOG_LEVEL: level }, log: sink })
    telemetry.callEnded(recordOf(0), TIMINGS)
    telemetry.callRefused('modelNotFound', 404, 'ci')
    telemetry.callEnded(recordOf(1, { outcome: 'failed', status: 502 }), TIMINGS)
    await telemetry.close()
    expect(sink.lines().map(({ outcome }) => outcome)).toEqual(expected)
  })

  it('warns of calls that nobody could serve, by their id and model', async () => {
    const sink = new Sink()
    const telemetry = createTelemetry({ env: { PENSTOCK_LOG_LEVEL: 'warn' }, log: sink })
    telemetry.callRefused('noDeployment', 503, 'ci', { id: 'pen_00000000000000', model: 'fast' })
    telemetry.callRefused('limitReached', 429, 'ci', { id: 'pen_00000000000001', model: 'fast' })
    telemetry.callRefused('tierNotAllowed', 403, 'ci')
    telemetry.callRefused('queueFull', 503, 'ci', { id: 'pen_00000000000002', model: 'fast' })
    telemetry.callRefused('queueTimeout', 503, 'ci', { id: 'pen_00000000000003', model: 'slow' })
    await telemetry.close()
    expect(sink.lines()).toMatchObject([
      { level: 'warn', id: 'pen_00000000000000', model: 'fast', key: 'ci', outcome: 'refused', cause: 'noDeployment' },
      { level: 'warn', id: 'pen_00000000000002', model: 'fast', key: 'ci', cause: 'queueFull' },
      { level: 'warn', id: 'pen_00000000000003', model: 'slow', key: 'ci', cause: 'queueTimeout' },
    ])
  })

  it('counts what it is told, and tells what the log lost', async () => {
    const sink = new Sink()
    const telemetry = createTelemetry({ env: {}, log: sink })
    telemetry.callStarted()
    telemetry.callStarted()
    telemetry.callStarted()
    telemetry.callEnded(recordOf(0), TIMINGS)
    telemetry.callRefused('noDeployment', 503, 'ci', { id: null, model: 'fast' })
    sink.emit('drop', 'a line\n')
    const { contentType, text } = await telemetry.metrics()
    await telemetry.close()
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(text).toContain('\npenstock_calls_in_flight 1\n')
    expect(text).toContain('\npenstock_log_dropped_bytes_total 7\n')
    expect(text).toContain('\npenstock_refusals_total{cause="noDeployment"} 1\n')
  })
})

describe('traces', () => {
  let collector: Collector
  let env: Record<string, string>
  beforeEach(async () => {
    collector = new Collector()
    env = { OTEL_EXPORTER_OTLP_ENDPOINT: await collector.open() }
  })
  afterEach(() => collector.close())

  it("of a call and its attempts join the caller's, with times, tokens and outcomes", async () => {
    const telemetry = createTelemetry({ env, log: new Sink() })
    const [attempt] = recordOf(0).attempts
    const attempts = [
      { ...attempt!, outcome: 'overloaded' as const, status: 503, usage: null, dollars: null },
      attempt!,
    ]
    telemetry.callEnded(recordOf(0, { attempts }), { ...TIMINGS, traceparent: `00-${TRACE}-${SPAN}-01` })
    await telemetry.close()

    expect(collector.services).toEqual(new Set(['penstock']))
    const [failed, answered, call] = ['overloaded', undefined, null].map(
      kind =>
        collector.spans.find(span =>
          kind === null ? span.kind === 2 : span.kind === 3 && attributesOf(span)['error.type'] === kind,
        )!,
    )
    expect(collector.spans).toHaveLength(3)
    expect(call).toMatchObject({ name: 'chat fast', traceId: TRACE, parentSpanId: SPAN, status: { code: 0 } })
    expect(call!.startTimeUnixNano).toBe(`${recordOf(0).at}000000`)
    expect(Number(call!.endTimeUnixNano) / 1e6 - recordOf(0).at).toBeCloseTo(812.4 + 1.2, 2)
    expect(attributesOf(call!)).toMatchObject({
      'penstock.request_id': recordOf(0).id,
      'penstock.key': 'ci',
      'gen_ai.request.model': 'fast',
    })
    expect(failed).toMatchObject({
      traceId: TRACE,
      parentSpanId: call!.spanId,
      status: { code: 2, message: 'overloaded' },
    })
    expect(answered).toMatchObject({ name: 'chat check-chat', parentSpanId: call!.spanId, status: { code: 0 } })
    expect(attributesOf(answered!)).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'mock',
      'gen_ai.usage.input_tokens': 1_000,
      'gen_ai.usage.cache_read.input_tokens': 200,
      'gen_ai.usage.output_tokens': 100,
      'penstock.dollars': '0.0015',
    })
    expect(JSON.stringify(collector.spans)).not.toContain('null')
  })

  it('are not made of calls whose caller decided against it, and begin anew where none is named', async () => {
    const telemetry = createTelemetry({ env: { ...env, OTEL_SERVICE_NAME: 'edge' }, log: new Sink() })
    telemetry.callEnded(recordOf(0), { ...TIMINGS, traceparent: `00-${TRACE}-${SPAN}-00` })
    telemetry.callEnded(recordOf(1, { outcome: 'failed', status: 502 }), { ...TIMINGS, traceparent: 'nonsense' })
    await telemetry.close()
    expect(collector.services).toEqual(new Set(['edge']))
    expect(collector.spans).toHaveLength(2)
    const call = collector.spans.find(({ kind }) => kind === 2)!
    expect(call.parentSpanId ?? '').toBe('')
    expect(call.traceId).not.toBe(TRACE)
    expect(call.status.code).toBe(2)
  })

  it('of a race show both sides with their own times, and the loser as no error', async () => {
    const telemetry = createTelemetry({ env, log: new Sink() })
    const [attempt] = recordOf(0).attempts
    const { at } = recordOf(0)
    const route = { by: 'fastest', candidates: [], passedOver: [] } as const
    const attempts = [
      { ...attempt!, startedAt: at, durationMs: 700, outcome: 'superseded' as const, replica: 0, route },
      { ...attempt!, startedAt: at + 500, durationMs: 300, replica: 1 },
    ]
    telemetry.callEnded(recordOf(0, { attempts }), TIMINGS)
    await telemetry.close()
    const [loser, winner] = [0, 1].map(
      replica => collector.spans.find(span => Number(attributesOf(span)['penstock.replica']) === replica)!,
    )
    const timesOf = (span: SentSpan) =>
      [span.startTimeUnixNano, span.endTimeUnixNano].map(time => Number(BigInt(time) / 1_000_000n) - at)
    expect([timesOf(loser!), timesOf(winner!)]).toEqual([
      [0, 700],
      [500, 800],
    ])
    expect(loser!.status.code).toBe(0)
    expect(attributesOf(loser!)).toMatchObject({ 'penstock.outcome': 'superseded', 'penstock.route': 'fastest' })
    expect(attributesOf(loser!)).not.toHaveProperty('error.type')
    expect(winner!.status.code).toBe(0)
    expect(winner!.parentSpanId).toBe(loser!.parentSpanId)
  })

  it('that nobody takes hold up neither the calls nor the end, and are complained of', async () => {
    await collector.close()
    const sink = new Sink()
    const telemetry = createTelemetry({ env, log: sink })
    telemetry.callEnded(recordOf(0), TIMINGS)
    await telemetry.close()
    expect(sink.lines().map(({ msg }) => msg)).toContain('tracing')
  })
})
