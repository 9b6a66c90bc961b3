import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { TransportFailure } from '../../ports/engine.ts'
import { client, closeAll, request, Told, upstream } from './client.fixture.ts'

afterEach(closeAll)

describe('an attempt over HTTP', () => {
  it('sends the pieces as one body, with key and headers of the upstream, and tells the answer in order', async () => {
    let seen: { path: string; headers: IncomingMessage['headers']; body: string } | null = null
    const url = await upstream((incoming, response, body) => {
      seen = { path: incoming.url!, headers: incoming.headers, body: body.toString() }
      response.writeHead(200, { 'Content-Type': 'application/json', 'x-two': ['a', 'b'] })
      response.end('{"ok":true}')
    })
    const told = new Told()
    client(url).attempt(request({ query: '?beta=true', headers: ['X-Team', 'mine', 'openai-beta', 'v2'] }), told)
    expect(told.events).toEqual([])
    await told.ended
    expect(seen).toMatchObject({
      path: '/v1/chat/completions?beta=true',
      body: '{"a":1}',
      headers: {
        authorization: 'Bearer sk-up',
        'x-team': 'search',
        'openai-beta': 'v2',
        'content-type': 'application/json',
      },
    })
    expect(told.events).toEqual(['head', 'data', 'end'])
    expect([told.status, told.bytes.toString()]).toEqual([200, '{"ok":true}'])
    expect(told.headers.filter((_, i) => told.headers[i - 1] === 'x-two')).toEqual(['a', 'b'])
  })

  it('names the version to an Anthropic upstream unless the caller did', async () => {
    const versions: unknown[] = []
    const url = await upstream(({ headers }, response) => {
      versions.push([headers['anthropic-version'], headers['x-api-key'], headers.authorization])
      response.end()
    })
    const anthropic = client(url, { dialect: 'anthropic' })
    for (const headers of [[], ['anthropic-version', '2031-01-01']]) {
      const told = new Told()
      anthropic.attempt(request({ endpoint: 'messages', headers }), told)
      await told.ended
    }
    expect(versions).toEqual([
      ['2023-06-01', 'sk-up', undefined],
      ['2031-01-01', 'sk-up', undefined],
    ])
  })

  it.each<[string, (response: ServerResponse) => void, TransportFailure['kind'], string[]]>([
    ['resets before headers', response => response.socket!.resetAndDestroy(), 'unreachable', ['fail']],
    [
      'breaks off in the middle',
      response => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('half')
        setTimeout(() => response.destroy(), 50)
      },
      'cut',
      ['head', 'data', 'fail'],
    ],
  ])('fails once when the upstream %s', async (_, answer, kind, events) => {
    const url = await upstream((_incoming, response) => answer(response))
    const told = new Told()
    client(url).attempt(request(), told)
    await told.ended
    expect([told.failure?.kind, told.events]).toEqual([kind, events])
  })

  it('is unreachable where nobody listens', async () => {
    const told = new Told()
    client('http://127.0.0.1:1/v1').attempt(request(), told)
    await told.ended
    expect(told.failure?.kind).toBe('unreachable')
  })

  it('fails as unreachable, not by an exception, when a header can not be sent', async () => {
    const url = await upstream((_incoming, response) => response.end())
    const told = new Told()
    client(url).attempt(request({ headers: ['x-bad', 'a\nb'] }), told)
    await told.ended
    expect(told.failure?.kind).toBe('unreachable')
  })

  it('that is aborted frees the upstream and says nothing more', async () => {
    let freed: () => void = () => {}
    const closed = new Promise<void>(resolve => {
      freed = resolve
    })
    const url = await upstream((_incoming, response) => {
      response.on('close', freed)
      response.writeHead(200)
      response.write('one')
    })
    const told = new Told()
    const handle = client(url).attempt(request(), told)
    await new Promise<void>(resolve => {
      told.onData = resolve
    })
    handle.abort()
    await closed
    expect(told.events).toEqual(['head', 'data'])
  })

  it('that is paused holds its upstream up until it is resumed', async () => {
    const piece = 'x'.repeat(65_536)
    const url = await upstream((_incoming, response) => {
      response.writeHead(200)
      for (let i = 0; i < 64; i++) response.write(piece)
      response.end()
    })
    const told = new Told()
    const handle = client(url).attempt(request(), told)
    await new Promise<void>(resolve => {
      told.onData = resolve
    })
    handle.pause()
    await new Promise(resolve => setTimeout(resolve, 50))
    const before = told.bytes.length
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(told.bytes.length).toBe(before)
    expect(before).toBeLessThan(64 * 65_536)
    handle.resume()
    await told.ended
    expect(told.bytes.length).toBe(64 * 65_536)
  })
})
