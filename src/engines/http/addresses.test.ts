import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { LOCALHOST_CERTIFICATE, LOCALHOST_KEY } from './certificate.fixture.ts'
import { ask, client, clock, closeAll, closing } from './client.fixture.ts'
import { Replicas } from './replicas.ts'

const TRUSTED = getCACertificates('default')

afterEach(async () => {
  setDefaultCACertificates(TRUSTED)
  await closeAll()
})

async function listenAt(server: Server & { closeAllConnections(): void }, host: string, port: number): Promise<number> {
  await new Promise<void>(resolve => server.listen(port, host, resolve))
  closing(() => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** A server at each of two addresses and one port; each answers with its address and the host that it was asked for. */
async function pair(): Promise<number> {
  const answering = (address: string) =>
    createServer((request, response) => {
      request.resume().on('end', () => response.end(`${address} as ${request.headers.host} at ${request.url}`))
    })
  const port = await listenAt(answering('127.0.0.2'), '127.0.0.2', 0)
  await listenAt(answering('127.0.0.3'), '127.0.0.3', port)
  return port
}

describe('an address of a name', () => {
  it('is connected to and asked for the name, each by itself', async () => {
    const port = await pair()
    const engine = client([`http://10.0.0.1:${port}/v1`, `http://engines.invalid:${port}/pool/v1`])
    const from = async (host: string, replica: number) =>
      (await ask(engine, { replica, address: { base: 1, host } })).bytes.toString()
    for (let round = 0; round < 2; round++) {
      expect(await from('127.0.0.2', 7)).toBe(`127.0.0.2 as engines.invalid:${port} at /pool/v1/chat/completions`)
      expect(await from('127.0.0.3', 8)).toBe(`127.0.0.3 as engines.invalid:${port} at /pool/v1/chat/completions`)
    }
  })

  it('is greeted by the name where it wants TLS, and has to have its certificate', async () => {
    setDefaultCACertificates([...TRUSTED, LOCALHOST_CERTIFICATE])
    const names: unknown[] = []
    const server = createSecureServer({ key: LOCALHOST_KEY, cert: LOCALHOST_CERTIFICATE }, (request, response) => {
      names.push((request.socket as TLSSocket & { readonly servername?: unknown }).servername)
      request.resume().on('end', () => response.end('ok'))
    })
    const port = await listenAt(server, '127.0.0.2', 0)
    const address = { base: 0, host: '127.0.0.2' }
    expect((await ask(client(`https://localhost:${port}/v1`), { address })).bytes.toString()).toBe('ok')
    expect((await ask(client(`https://engines.invalid:${port}/v1`), { address })).failure).toEqual({
      kind: 'unreachable',
      message: 'its certificate is for another name',
    })
    expect(names).toEqual(['localhost'])
  })

  it('that nobody listens at is unreachable, whatever listens at the others', async () => {
    const port = await pair()
    const told = await ask(client(`http://engines.invalid:${port}/v1`), { address: { base: 0, host: '127.0.0.4' } })
    expect(told.failure).toEqual({ kind: 'unreachable', message: 'it refused the connection' })
  })

  it('of a base URL that there is none of is a mistake of the caller', () => {
    const engine = client('http://engines.invalid/v1')
    return expect(ask(engine, { replica: 3, address: { base: 1, host: '127.0.0.2' } })).rejects.toThrow('no replica 3')
  })
})

describe('what is kept of addresses', () => {
  it('is let go when nobody has asked one for ten minutes', async () => {
    let now = 0
    const replicas = new Replicas(['http://engines.invalid/v1'], {}, { ...clock, monotonic: () => now })
    const find = (host: string) => replicas.find({ replica: 0, address: { base: 0, host } })
    const first = find('10.0.0.1')
    find('10.0.0.2')
    now = 599_999
    expect(find('10.0.0.1')).toBe(first)
    now = 600_000
    find('10.0.0.3')
    expect(replicas.addresses).toBe(2)
    expect(find('10.0.0.1')).toBe(first)
    await replicas.close()
  })

  it('stays while a connection is open', async () => {
    let now = 0
    const replicas = new Replicas(['http://engines.invalid/v1'], {}, { ...clock, monotonic: () => now })
    const find = (host: string) => replicas.find({ replica: 0, address: { base: 0, host } })
    const first = find('10.0.0.1')!
    const connection = first.connections.take()
    now = 1_000_000
    find('10.0.0.2')
    expect(find('10.0.0.1')).toBe(first)
    await connection.destroy()
    now = 2_000_000
    find('10.0.0.3')
    expect(find('10.0.0.1')).not.toBe(first)
    await replicas.close()
  })
})
