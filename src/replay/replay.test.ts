import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { Clock } from '../ports/clock.ts'
import { readTrace } from '../traces/read.ts'
import { type ReplayOptions, replay } from './replay.ts'

const clock: Clock = {
  now: () => 0,
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

interface Taken {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Record<string, unknown>
  readonly atMs: number
}
const servers: (() => void)[] = []
afterEach(() => {
  for (const close of servers.splice(0)) close()
})

/** A gateway that answers as it is told and remembers what it was asked. */
async function gateway(answer: (response: ServerResponse, taken: Taken, place: number) => void | Promise<void>) {
  const taken: Taken[] = []
  const server = createServer(async (request, response) => {
    const atMs = performance.now()
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const one = {
      path: request.url!,
      headers: request.headers,
      body: JSON.parse(Buffer.concat(pieces).toString()),
      atMs,
    }
    await answer(response, one, taken.push(one) - 1)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  servers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, taken }
}

const USAGE = { prompt_tokens: 100, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 40 } }
function stream(response: ServerResponse, { dollars = '0.000000007', end = true } = {}): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const content of ['a', 'b', 'c'])
    response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`)
  response.write(`data: ${JSON.stringify({ choices: [], usage: USAGE })}\n\n`)
  response.end(end ? `: penstock ${JSON.stringify({ id: 'pen_x', dollars })}\n\ndata: [DONE]\n\n` : '')
}

const traceOf = (times: readonly number[], output = 3) =>
  readTrace(
    Buffer.from(
      times
        .map(timestamp => JSON.stringify({ timestamp, input_length: 20, output_length: output, hash_ids: [1] }))
        .join('\n'),
    ),
  )
const play = (url: string, times: readonly number[], more: Partial<ReplayOptions> = {}) =>
  replay({ trace: traceOf(times), url, key: 'sk-x', model: 'm', dialect: 'openai', clock, ...more })

describe('a replay', () => {
  it('asks as a client of the dialect does, and reports what was answered', async () => {
    const { url, taken } = await gateway(response => stream(response))
    const report = await play(url, [0, 1, 2])
    expect(report).toMatchObject({ requests: 3, completed: 3, failed: 0, shed: 0, unsent: 0, failures: {} })
    expect(report).toMatchObject({ inputTokens: 300, cachedInputTokens: 120, outputTokens: 9, cachedShare: 0.4 })
    expect(report).toMatchObject({ dollars: '0.000000021', unrated: 0 })
    expect(report.timeToFirstTokenMs!.p50).toBeGreaterThan(0)
    expect(taken[0]).toMatchObject({
      path: '/v1/chat/completions',
      headers: { authorization: 'Bearer sk-x' },
      body: { model: 'm', stream: true, stream_options: { include_usage: true }, max_completion_tokens: 3 },
    })
    const [message] = taken[0]!.body.messages as [{ role: string; content: string }]
    expect(message.role).toBe('user')
    expect(message.content).toHaveLength(80)
  })

  it('speaks the other dialect too, under any base path', async () => {
    const { url, taken } = await gateway(response => {
      response.writeHead(200)
      const events = [
        { type: 'message_start', message: { usage: { input_tokens: 60, cache_read_input_tokens: 40 } } },
        { type: 'content_block_delta' },
        { type: 'message_delta', usage: { output_tokens: 3 } },
        { type: 'message_stop' },
      ]
      response.end(events.map(event => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''))
    })
    const report = await play(`${url}/models/v1/`, [0], { dialect: 'anthropic', ignoreEos: true })
    expect(report).toMatchObject({ completed: 1, cachedShare: 0.4, outputTokens: 3, dollars: null, unrated: 0 })
    expect(taken[0]).toMatchObject({
      path: '/models/v1/messages',
      headers: { 'x-api-key': 'sk-x', 'anthropic-version': '2023-06-01' },
      body: { max_tokens: 3, ignore_eos: true },
    })
  })

  it('is an open loop: requests leave at their time though nothing has ended', async () => {
    const waiting: ServerResponse[] = []
    const { url, taken } = await gateway((response, _, place) => {
      waiting.push(response)
      if (place === 4) for (const one of waiting) stream(one)
    })
    const report = await play(url, [0, 100, 200, 300, 400], { speed: 10 })
    expect(report).toMatchObject({ completed: 5, mostInFlight: 5 })
    for (const [i, { atMs }] of taken.entries()) expect(atMs - taken[0]!.atMs).toBeGreaterThan(10 * i - 9)
  })

  it('sheds what exceeds the bound, and counts it', async () => {
    const waiting: ServerResponse[] = []
    const { url, taken } = await gateway(response => {
      waiting.push(response)
    })
    const playing = play(url, [0, 1, 2, 3, 4, 5], { mostInFlight: 2 })
    await expect.poll(() => taken.length).toBe(2)
    await sleep(30)
    for (const one of waiting) stream(one)
    expect(await playing).toMatchObject({ requests: 6, completed: 2, shed: 4, failed: 0, unsent: 0, mostInFlight: 2 })
  })

  it('counts failures by their reason, with a message of each', async () => {
    const { url } = await gateway((response, _, place) => {
      if (place < 2) {
        response.writeHead(429, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ error: { message: 'slow "down"' } }))
      } else if (place === 2) stream(response, { end: false })
      else if (place === 3) {
        response.writeHead(200)
        response.end('data: {"error":{"message":"no"}}\n\ndata: [DONE]\n\n')
      } else if (place === 4) {
        response.writeHead(200)
        response.write('data: {}\n\n', () => response.destroy())
      } else stream(response, { dollars: null as unknown as string })
    })
    const report = await play(url, [0, 20, 40, 60, 80, 100])
    expect(report).toMatchObject({
      completed: 1,
      failed: 5,
      failures: { '429': 2, cut: 2, errorInStream: 1 },
      unrated: 1,
    })
    expect(report.messages['429']).toContain('slow')
  })

  it('counts a gateway that is not there', async () => {
    const { url } = await gateway(() => {})
    for (const close of servers.splice(0)) close()
    expect(await play(url, [0])).toMatchObject({ completed: 0, failures: { unreachable: 1 } })
  })

  it('breaks off calls that take too long', async () => {
    const { url } = await gateway(() => {})
    expect(await play(url, [0], { callTimeoutMs: 30 })).toMatchObject({ failures: { timedOut: 1 } })
  })

  it('stops when it is told: nothing more is sent, and what is under way is broken off', async () => {
    const stop = new AbortController()
    const { url } = await gateway(() => stop.abort())
    const report = await play(url, [0, 60_000, 120_000], { signal: stop.signal })
    expect(report).toMatchObject({ completed: 0, failures: { stopped: 1 }, unsent: 2 })
  })

  it('lets conversations wait for their answers at the pace of thinking', async () => {
    const turn = (t: number) => ({
      t,
      type: 'n',
      model: 'recorded',
      in: 8,
      out: 1,
      hash_ids: [],
      api_time: 0,
      think_time: 0.02,
    })
    const trace = readTrace(
      Buffer.from(
        JSON.stringify({
          id: 's/1',
          block_size: 64,
          tool_tokens: 0,
          system_tokens: 0,
          requests: [turn(0), turn(0.001), turn(0.002)],
        }),
      ),
    )
    const { url, taken } = await gateway(async response => {
      await sleep(30)
      stream(response)
    })
    const report = await play(url, [0], { trace, model: null, pace: 'thinking' })
    expect(report).toMatchObject({ completed: 3, mostInFlight: 1 })
    expect(taken[2]!.atMs - taken[0]!.atMs).toBeGreaterThan(90)
    expect(taken[0]).toMatchObject({
      body: { model: 'recorded' },
      headers: { 'x-penstock-run': 's/1', 'x-penstock-tag': 'tenant=s/1' },
    })
  })

  it('tells how it goes on', async () => {
    const { url } = await gateway(response => stream(response))
    const told: number[] = []
    await play(url, [0, 10], { onProgress: ({ completed }) => told.push(completed) })
    expect(told.at(-1)).toBe(2)
  })

  it.each([
    [{ speed: 0 }, /speed/],
    [{ mostInFlight: 0 }, /in flight/],
    [{ model: null }, /model/],
    [{ url: 'ftp://x' }, /http/],
  ])('refuses %o', async (more, message) => {
    await expect(play('http://127.0.0.1:1', [0], more)).rejects.toThrow(message)
  })
})
