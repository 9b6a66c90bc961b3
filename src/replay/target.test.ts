import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { onlyModel, targetOf } from './target.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function listing(status: number, ids: readonly string[]): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(request.headers.authorization === 'Bearer sk-x' ? status : 401)
    response.end(JSON.stringify({ object: 'list', data: ids.map(id => ({ id, object: 'model' })) }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a target', () => {
  it('gets /v1 when its url has no path, and keeps the path it has', () => {
    expect(targetOf('http://h:1', 'openai')).toEqual({ origin: 'http://h:1', path: '/v1/chat/completions' })
    expect(targetOf('https://h/a/v2/', 'anthropic')).toEqual({ origin: 'https://h', path: '/a/v2/messages' })
    for (const wrong of ['127.0.0.1:4000', 'ftp://h', ''])
      expect(() => targetOf(wrong, 'openai')).toThrow(/expected a url/)
  })

  it('knows the model when there is only one', async () => {
    expect(await onlyModel(await listing(200, ['a "b"']), 'sk-x')).toBe('a "b"')
  })

  it('names the models when there are several, and says what the gateway said otherwise', async () => {
    await expect(onlyModel(await listing(200, ['a', 'b']), 'sk-x')).rejects.toThrow(/one of a, b/)
    await expect(onlyModel(await listing(200, ['a']), null)).rejects.toThrow(/401/)
    await expect(onlyModel('http://127.0.0.1:1', null)).rejects.toThrow(/does not list/)
  })
})
