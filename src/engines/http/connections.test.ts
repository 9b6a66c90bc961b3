import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, client, closeAll, onRequest, rawUpstream, request, Told, upstream } from './client.fixture.ts'

afterEach(closeAll)

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const well = (socket: Socket) => onRequest(socket, () => socket.write(OK))
const LARGE = Array.from({ length: 20 }, (_, i) => Buffer.alloc(1 << 20, 97 + i))
const waits = { timeout: 10_000 }

/** A connection is free for the next call in the turn of the event loop after its answer ended. */
const freed = async () => {
  await turn()
  await turn()
}

describe('replicas', () => {
  it('are asked as the request says, each below its own path and on connections of its own', async () => {
    const paths: string[] = []
    const replicas = await Promise.all(
      ['first', 'second'].map(name =>
        rawUpstream(socket =>
          onRequest(socket, asked => {
            paths.push(`${name} ${asked.split(' ')[1]}`)
            socket.write(OK)
          }),
        ),
      ),
    )
    const engine = client([replicas[0]!.url, `${replicas[1]!.url}/deep/`])
    for (const replica of [1, 0, 1, 1, 0]) {
      expect((await ask(engine, { replica })).status).toBe(200)
      await freed()
    }
    expect(paths).toEqual([
      'second /v1/deep/chat/completions',
      'first /v1/chat/completions',
      'second /v1/deep/chat/completions',
      'second /v1/deep/chat/completions',
      'first /v1/chat/completions',
    ])
    expect(replicas.map(({ taken }) => taken.length)).toEqual([1, 1])
  })

  it('that are not there are a bug of whoever asks', async () => {
    const engine = client('http://127.0.0.1:1/v1')
    expect(() => engine.attempt(request({ replica: 1 }), new Told())).toThrow('no replica 1')
  })
})

describe('the bound on connecting', () => {
  it('is that of each attempt, on one upstream at once', async () => {
    const silent = await rawUpstream(socket => socket.resume())
    const engine = client(silent.url.replace('http:', 'https:'))
    const patient = new Told()
    const handle = engine.attempt(request({ connectMs: 60_000 }), patient)
    expect((await ask(engine, { connectMs: 50 })).failure?.kind).toBe('unreachable')
    expect(patient.events).toEqual([])
    handle.abort()
    await expect.poll(() => silent.sockets.size, waits).toBe(0)
    expect(patient.events).toEqual([])
  })

  it('says nothing about how long an answer takes', async () => {
    const slow = await rawUpstream(socket => onRequest(socket, () => setTimeout(() => socket.write(OK), 400)))
    const engine = client(slow.url)
    expect((await ask(engine, { connectMs: 200 })).status).toBe(200)
    await freed()
    expect((await ask(engine, { connectMs: 200 })).status).toBe(200)
    expect(slow.taken).toHaveLength(1)
  })
})

describe('an attempt that is aborted', () => {
  it('before anything was sent never reaches the upstream', async () => {
    const { url, sockets } = await rawUpstream(well)
    const told = new Told()
    const engine = client(url)
    const handle = engine.attempt(request(), told)
    expect(handle.isUnsent).toBe(true)
    handle.abort()
    expect((await ask(engine)).status).toBe(200)
    await expect.poll(() => sockets.size, waits).toBe(1)
    expect(told.events).toEqual([])
  })

  it('on a connection that stood open leaves others as they are', async () => {
    const heard: string[] = []
    const { url } = await rawUpstream(socket =>
      onRequest(socket, asked => {
        heard.push(asked)
        socket.write(OK)
      }),
    )
    const engine = client(url)
    await ask(engine)
    await freed()
    const told = new Told()
    engine.attempt(request(), told).abort()
    expect((await ask(engine)).status).toBe(200)
    expect([heard.length, told.events]).toEqual([2, []])
  })

  it('while its body is being sent frees the upstream at once', async () => {
    let read = 0
    let slow = true
    const { url, sockets } = await rawUpstream(socket =>
      socket.on('data', data => {
        read += data.length
        if (slow) socket.pause()
      }),
    )
    const told = new Told()
    const handle = client(url).attempt(request({ body: LARGE }), told)
    await expect.poll(() => read, waits).toBeGreaterThan(0)
    expect(handle.isUnsent).toBe(false)
    handle.abort()
    slow = false
    for (const socket of sockets) socket.resume()
    await expect.poll(() => sockets.size, waits).toBe(0)
    expect(read).toBeLessThan(20 << 20)
    expect(told.events).toEqual([])
  })

  it('while it waits for an answer frees the upstream at once', async () => {
    let asked = 0
    const { url, sockets } = await rawUpstream(socket => onRequest(socket, () => asked++))
    const told = new Told()
    const handle = client(url).attempt(request(), told)
    await expect.poll(() => asked, waits).toBe(1)
    handle.abort()
    handle.abort()
    await expect.poll(() => sockets.size, waits).toBe(0)
    expect(told.events).toEqual([])
  })
})

describe('a body of 20 MB', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['accepting', socket => socket.destroy()],
    ['its first bytes', socket => socket.once('data', () => socket.destroy())],
    ['its first bytes, by a reset', socket => socket.once('data', () => socket.resetAndDestroy())],
  ])('is the same for the next attempt after an upstream that hung up at %s', async (_, hangUp) => {
    const sums = LARGE.map(piece => piece.reduce((sum, byte) => sum + byte, 0))
    const rude = await rawUpstream(hangUp)
    let heard: Buffer = Buffer.alloc(0)
    const good = await upstream((_incoming, response, body) => {
      heard = body
      response.end('ok')
    })
    const engine = client([rude.url, good])
    const body = Object.freeze([...LARGE])
    expect((await ask(engine, { body })).failure?.kind).toBe('unreachable')
    expect((await ask(engine, { body, replica: 1 })).events).toEqual(['head', 'data', 'end'])
    expect(heard.equals(Buffer.concat(LARGE))).toBe(true)
    expect(LARGE.map(piece => piece.reduce((sum, byte) => sum + byte, 0))).toEqual(sums)
  })

  it('that is answered before it has come whole is answered all the same', async () => {
    const early = await rawUpstream(socket =>
      socket.once('data', () => socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno')),
    )
    const told = await ask(client(early.url), { body: LARGE })
    expect([told.status, told.bytes.toString(), told.events.at(-1)]).toEqual([413, 'no', 'end'])
    await expect.poll(() => early.sockets.size, waits).toBe(0)
  })
})

describe('a connection that stood open and is closed', () => {
  it.each<[string, (socket: Socket) => void, readonly Uint8Array[]]>([
    ['closed', socket => socket.destroy(), [Buffer.from('{}')]],
    ['reset', socket => socket.resetAndDestroy(), [Buffer.from('{}')]],
    ['reset, with a large body', socket => socket.resetAndDestroy(), [Buffer.alloc(100_000, 'x'), Buffer.from('{}')]],
  ])('just before a call is written (%s) costs the call nothing', async (_, close, body) => {
    let heard = 0
    const { url, taken } = await rawUpstream(socket =>
      onRequest(socket, () => {
        heard++
        socket.write(OK)
      }),
    )
    const engine = client(url)
    expect((await ask(engine)).status).toBe(200)
    await freed()
    // Both ends are in this thread: the client has no chance to hear of it before it is given the next call.
    close(taken[0]!)
    expect((await ask(engine, { body })).events).toEqual(['head', 'data', 'end'])
    expect([heard, taken.length]).toEqual([2, 2])
  })

  it('after a call was written is told of: the upstream may have begun', async () => {
    let heard = 0
    const { url, taken } = await rawUpstream(socket =>
      onRequest(socket, () => {
        if (++heard === 1) socket.write(OK)
        else socket.destroy()
      }),
    )
    const engine = client(url)
    expect((await ask(engine)).status).toBe(200)
    await freed()
    expect((await ask(engine)).failure?.kind).toBe('unreachable')
    expect([heard, taken.length]).toEqual([2, 1])
    expect((await ask(engine)).failure?.kind).toBe('unreachable')
  })
})

describe('connections', () => {
  it('of a crowd that has gone are closed, whatever the upstream would keep', async () => {
    const { url, sockets, taken } = await rawUpstream(well)
    const engine = client(url)
    await Promise.all(Array.from({ length: 50 }, () => ask(engine)))
    expect(taken).toHaveLength(50)
    await expect.poll(() => sockets.size, waits).toBe(0)
    expect((await ask(engine)).status).toBe(200)
    expect(taken).toHaveLength(51)
  })

  it('that are idle are used again, the latest first', async () => {
    const { url, taken } = await rawUpstream(well)
    const engine = client(url)
    await Promise.all([ask(engine), ask(engine), ask(engine)])
    for (let i = 0; i < 5; i++) {
      await freed()
      expect((await ask(engine)).status).toBe(200)
    }
    expect(taken).toHaveLength(3)
  })

  it('are kept when a call can not be sent at all, which is told later and not within the call', async () => {
    const { url, taken } = await rawUpstream(well)
    const engine = client(url)
    await ask(engine)
    await freed()
    const told = new Told()
    engine.attempt(request({ headers: ['x-bad', 'a\nb'] }), told)
    expect(told.events).toEqual([])
    await told.ended
    expect(told.failure?.kind).toBe('unreachable')
    expect((await ask(engine)).status).toBe(200)
    expect(taken).toHaveLength(1)
  })

  it('all end with the client: calls under way fail, being connected or not, and later ones too', async () => {
    const { url, sockets, taken } = await rawUpstream(socket => onRequest(socket, () => {}))
    const silent = await rawUpstream(socket => socket.resume())
    const engine = client([url, silent.url.replace('http:', 'https:')])
    const [asked, connecting] = [ask(engine), ask(engine, { replica: 1 })]
    await expect.poll(() => taken.length + silent.taken.length, waits).toBe(2)
    await engine.close()
    for (const told of [await asked, await connecting, await ask(engine)]) {
      expect(told.failure?.kind).toBe('unreachable')
    }
    await expect.poll(() => sockets.size + silent.sockets.size, waits).toBe(0)
  })
})
