import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { LOCALHOST_CERTIFICATE, LOCALHOST_KEY } from './certificate.fixture.ts'
import { ask, client, closeAll, closing, listen } from './client.fixture.ts'

const TRUSTED = getCACertificates('default')

afterEach(async () => {
  setDefaultCACertificates(TRUSTED)
  await closeAll()
})

async function secureUpstream() {
  const asked: { readonly name: unknown; readonly protocol: unknown; readonly again: boolean }[] = []
  const server = createServer(
    { key: LOCALHOST_KEY, cert: LOCALHOST_CERTIFICATE },
    (incoming: IncomingMessage, response) => {
      const socket = incoming.socket as TLSSocket & { readonly servername?: unknown }
      asked.push({ name: socket.servername, protocol: socket.alpnProtocol, again: socket.isSessionReused() })
      response.writeHead(200, { connection: 'close' })
      incoming.resume().on('end', () => response.end('ok'))
    },
  )
  const port = await listen(server)
  closing(() => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  })
  return { port, asked }
}

const trust = () => setDefaultCACertificates([...TRUSTED, LOCALHOST_CERTIFICATE])

describe('an upstream behind TLS', () => {
  it('is asked by its name, over HTTP/1.1, and greeted more shortly the second time', async () => {
    trust()
    const { port, asked } = await secureUpstream()
    const engine = client(`https://localhost:${port}/v1`)
    for (let i = 0; i < 2; i++) {
      const told = await ask(engine)
      expect([told.failure, told.status, told.bytes.toString()]).toEqual([null, 200, 'ok'])
    }
    expect(asked).toEqual([
      { name: 'localhost', protocol: 'http/1.1', again: false },
      { name: 'localhost', protocol: 'http/1.1', again: true },
    ])
  })

  it.each<[string, () => void, string, string]>([
    ['nobody known has signed', () => {}, 'localhost', 'nobody known has signed its certificate'],
    ['is for another name', trust, '127.0.0.1', 'its certificate is for another name'],
  ])('whose certificate %s is unreachable and is asked nothing', async (_, prepare, host, message) => {
    prepare()
    const { port, asked } = await secureUpstream()
    expect((await ask(client(`https://${host}:${port}/v1`))).failure).toEqual({ kind: 'unreachable', message })
    expect(asked).toEqual([])
  })
})
