import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { TransportFailure } from '../../ports/engine.ts'
import { ask, client, closeAll, closing, onRequest, rawUpstream, upstream } from './client.fixture.ts'

afterEach(closeAll)

const JSON_BODY = '{"ok":true}'
const HEAD = `content-type: application/json\r\ncontent-length: ${JSON_BODY.length}\r\n`

const answering = (answer: (socket: Socket) => void) => async () =>
  (await rawUpstream(socket => onRequest(socket, () => answer(socket)))).url

/** Has the other end of a connection as its port, so that nobody can listen there. */
async function refusing(): Promise<string> {
  const { url, taken } = await rawUpstream(() => {})
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  closing(() => socket.destroy())
  await once(socket, 'connect')
  await expect.poll(() => taken.length).toBe(1)
  return `http://127.0.0.1:${socket.localPort}/v1`
}

/** A process that listens and then sleeps, with as many waiting as its system lets wait. */
async function deaf(): Promise<string> {
  const script = `const s = require('node:net').createServer(); s.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('node:fs').writeSync(1, s.address().port + '\\n'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) })`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] })
  closing(() => child.kill('SIGKILL'))
  const [said] = await once(child.stdout, 'data')
  const port = Number(String(said))
  for (let waiting = 0, taken = true; taken && waiting < 64; waiting++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    closing(() => socket.destroy())
    taken = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise<boolean>(resolve => setTimeout(resolve, 300, false)),
    ])
  }
  return `http://127.0.0.1:${port}/v1`
}

const secure = (url: string): string => url.replace('http:', 'https:')

describe('an upstream that fails', () => {
  it.each<[string, () => Promise<string>, TransportFailure['kind'], string]>([
    ['refuses', refusing, 'unreachable', 'it refused the connection'],
    ['has no address', async () => 'http://nobody.invalid/v1', 'unreachable', 'its name'],
    ['has a name that can not be', async () => `http://${'long'.repeat(20)}.invalid/v1`, 'unreachable', 'its name'],
    [
      'is asked for TLS on a plain port',
      async () => secure(await upstream((_, response) => response.end())),
      'unreachable',
      'it did not agree on TLS',
    ],
    [
      'closes within the greeting of TLS',
      async () => secure((await rawUpstream(socket => socket.once('data', () => socket.end()))).url),
      'unreachable',
      'it reset the connection',
    ],
    [
      'closes whatever it accepts',
      async () => (await rawUpstream(socket => socket.destroy())).url,
      'unreachable',
      'it',
    ],
    ['resets after the request', answering(socket => socket.resetAndDestroy()), 'unreachable', 'it reset'],
    ['closes after the request', answering(socket => socket.end()), 'unreachable', 'it closed the connection'],
    [
      'closes after its first line',
      answering(socket => socket.end('HTTP/1.1 200 OK\r\n')),
      'unreachable',
      'it closed the connection',
    ],
    [
      'closes after telling what is to come',
      answering(socket => socket.end('HTTP/1.1 103 Early Hints\r\n\r\n')),
      'unreachable',
      'it closed the connection',
    ],
    [
      'speaks no HTTP',
      answering(socket => socket.end('SSH-2.0-elsewhere\r\n')),
      'unreachable',
      'what it sent is no HTTP',
    ],
    [
      'speaks first, and no HTTP',
      async () => (await rawUpstream(socket => socket.write('220 mail ready\r\n'))).url,
      'unreachable',
      'what it sent is no HTTP',
    ],
    [
      'sends less than it announced',
      answering(socket => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n{"id":')),
      'cut',
      'it closed the connection',
    ],
    [
      'sends less than it announced and wants to close',
      answering(socket => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4000\r\n\r\n{"id":')),
      'cut',
      'its answer is not as long as it said',
    ],
    [
      'closes within a chunk',
      answering(socket => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf')),
      'cut',
      'it closed the connection',
    ],
    [
      'has a chunk of no length',
      answering(socket => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhalf\r\n')),
      'cut',
      'what it sent is no HTTP',
    ],
    [
      'sends a megabyte of headers',
      answering(socket => {
        socket.write('HTTP/1.1 200 OK\r\n')
        for (let i = 0; i < 1_000; i++) socket.write(`x-filler-${i}: ${'y'.repeat(1_000)}\r\n`)
        socket.end(`${HEAD}\r\n${JSON_BODY}`)
      }),
      'unreachable',
      'its headers are too large',
    ],
    [
      'sends one header of a megabyte',
      answering(socket => socket.end(`HTTP/1.1 200 OK\r\nx-filler: ${'y'.repeat(1 << 20)}\r\n${HEAD}\r\n${JSON_BODY}`)),
      'unreachable',
      'its headers are too large',
    ],
  ])('that %s is told of once, with its kind, without its address', async (_, at, kind, sentence) => {
    const url = await at()
    const told = await ask(client(url))
    expect([told.failure?.kind, told.events.at(-1)]).toEqual([kind, 'fail'])
    expect(told.failure?.message).toContain(sentence)
    expect(told.events.filter(event => event === 'fail')).toHaveLength(1)
    for (const secret of [new URL(url).hostname, new URL(url).port || 'invalid', 'sk-up']) {
      expect(told.failure?.message).not.toContain(secret)
    }
  })

  it.each<[string, () => Promise<string>]>([
    ['never accepts', deaf],
    ['never answers the greeting of TLS', async () => secure((await rawUpstream(() => {})).url)],
  ])('that %s is unreachable when the bound on connecting has passed', async (_, at) => {
    const told = await ask(client(await at()), { connectMs: 200 })
    expect(told.failure).toEqual({ kind: 'unreachable', message: 'it took no connection in time' })
  })

  it('costs one connection for each call, and nothing stays of those that were closed at once', async () => {
    const rude = await rawUpstream(socket => socket.destroy())
    const engine = client(rude.url)
    const told = await Promise.all(Array.from({ length: 20 }, () => ask(engine)))
    expect(told.map(({ failure }) => failure?.kind)).toEqual(Array(20).fill('unreachable'))
    expect(rude.taken).toHaveLength(20)
    await expect.poll(() => rude.sockets.size).toBe(0)
  })

  it('says nothing for too long: timed out, before and after its headers', async () => {
    const silent = client((await rawUpstream(() => {})).url, { silenceTimeoutMs: 300 })
    expect((await ask(silent)).failure?.kind).toBe('timedOut')
    const stalling = await answering(socket => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'))()
    const told = await ask(client(stalling, { silenceTimeoutMs: 300 }))
    expect([told.failure?.kind, told.events]).toEqual(['timedOut', ['head', 'data', 'fail']])
  })
})

describe('an oddity of HTTP', () => {
  const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

  it.each<[string, string]>([
    ['a body of HTTP/1.0 that ends with its connection', `HTTP/1.0 200 OK\r\nx-a: b\r\n\r\n${JSON_BODY}`],
    ['a body of HTTP/1.1 that ends with its connection', `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${JSON_BODY}`],
    ['a body without a word of how it ends', `HTTP/1.1 200 OK\r\nx-a: b\r\n\r\n${JSON_BODY}`],
    [
      'informational answers before the real one',
      `HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n${HEAD}\r\n${JSON_BODY}`,
    ],
    [
      'trailers',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n${chunked(JSON_BODY)}0\r\nx-sum: 1\r\n\r\n`,
    ],
    [
      'chunks with extensions',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb;a="b"\r\n${JSON_BODY}\r\n0\r\n\r\n`,
    ],
    ['no reason phrase', `HTTP/1.1 200\r\n${HEAD}\r\n${JSON_BODY}`],
  ])('changes nothing: %s', async (_, answer) => {
    const told = await ask(client(await answering(socket => socket.end(answer))()))
    expect([told.status, told.bytes.toString(), told.events]).toEqual([200, JSON_BODY, ['head', 'data', 'end']])
  })

  it('changes nothing when an answer comes byte by byte', async () => {
    const url = await answering(async socket => {
      for (const byte of `HTTP/1.1 200 OK\r\n${HEAD}\r\n${JSON_BODY}`) {
        socket.write(byte)
        await new Promise(resolve => setImmediate(resolve))
      }
    })()
    const told = await ask(client(url))
    expect([told.status, told.bytes.toString()]).toEqual([200, JSON_BODY])
  })

  it.each([301, 302, 303, 307, 308])('a redirect with %i is an answer and is not followed', async status => {
    let asked = 0
    const elsewhere = await upstream((_, response) => {
      asked++
      response.end()
    })
    const url = await upstream((_, response) => response.writeHead(status, { location: elsewhere }).end())
    const told = await ask(client(url))
    expect([told.status, told.events.at(-1), asked]).toEqual([status, 'end', 0])
  })

  it('never asks for a compressed answer, whatever the caller accepts', async () => {
    const accepted: unknown[] = []
    const url = await upstream(({ headers }, response) => {
      accepted.push(headers['accept-encoding'])
      response.end()
    })
    const engine = client(url)
    await ask(engine)
    await ask(engine, { headers: ['Accept-Encoding', 'gzip, br'] })
    expect(accepted).toEqual(['identity', 'identity'])
  })
})
