import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerHeaders, forwardedHeaders } from './headers.ts'

describe('the headers that go up', () => {
  it('are those of the dialect and all unknown ones, with their spelling, value and order', () => {
    const raw = [
      'Anthropic-Beta',
      'context-1m, x-New',
      'openai-organization',
      'org-1',
      'X-New-2031',
      ' a  b ',
      'User-Agent',
      'x',
    ]
    expect(forwardedHeaders([...raw, 'anthropic-beta', 'second'])).toEqual([...raw, 'anthropic-beta', 'second'])
  })

  it.each([
    ['Host', 'localhost'],
    ['content-length', '5'],
    ['Transfer-Encoding', 'chunked'],
    ['expect', '100-continue'],
    ['AUTHORIZATION', 'Bearer sk-1'],
    ['X-Api-Key', 'sk-1'],
    ['x-goog-api-key', 'sk-1'],
    ['api-key', 'sk-1'],
    ['Cookie', 'a=b'],
    ['Accept-Encoding', 'gzip'],
    ['Forwarded', 'for=1.2.3.4'],
    ['X-Forwarded-For', '1.2.3.4'],
    ['via', '1.1 x'],
    ['x-real-ip', '1.2.3.4'],
    ['Proxy-Authorization', 'Basic eDp5'],
    ['proxy-connection', 'keep-alive'],
    ['X-Penstock-Tag', 'a=b'],
    ['te', 'trailers'],
    ['Upgrade', 'websocket'],
    ['keep-alive', 'timeout=5'],
    ['connection', 'close'],
  ])('are without %s', (name, value) => {
    expect(forwardedHeaders(['accept', '*/*', name, value, 'x', 'y'])).toEqual(['accept', '*/*', 'x', 'y'])
  })

  it('are without those that connection names, wherever they stand', () => {
    const raw = [
      'X-Hop',
      '1',
      'Connection',
      'Keep-Alive, x-HOP',
      'connection',
      ' other ,',
      'Other',
      '2',
      'x-stays',
      '3',
    ]
    expect(forwardedHeaders(raw)).toEqual(['x-stays', '3'])
  })

  it('never hold a key of the caller, whatever names come before it', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 40 }), names => {
        const raw = names.flatMap(name => [name, 'v'])
        expect(forwardedHeaders([...raw, 'Authorization', 'secret', 'x-api-KEY', 'secret'])).not.toContain('secret')
      }),
    )
    for (let i = 0; i < 5_000; i++) forwardedHeaders([`x-${i}`, 'v', 'Authorization', 's'])
    expect(forwardedHeaders(['x-1', 'v', 'AuthorizatioN', 's'])).toEqual(['x-1', 'v'])
  })
})

describe('the headers that come back', () => {
  it('are those that say something of the answer', () => {
    const raw = ['content-type', 'text/event-stream; charset=utf-8', 'retry-after', '17', 'x-request-id', 'req_1']
    raw.push('x-ratelimit-remaining-requests', '9', 'anthropic-ratelimit-tokens-reset', 'x', 'content-encoding', 'gzip')
    expect(answerHeaders(raw)).toEqual(raw)
  })

  it('are without those of the connection, of the upstream’s host, and of our own', () => {
    const raw = ['connection', 'close, x-hop', 'x-hop', '1', 'keep-alive', 'timeout=5', 'transfer-encoding', 'chunked']
    raw.push(
      'content-length',
      '5',
      'set-cookie',
      'a=b',
      'alt-svc',
      'h3',
      'strict-transport-security',
      'x',
      'trailer',
      'x',
    )
    raw.push('location', 'https://elsewhere', 'server-timing', 'a;dur=1', 'x-penstock-dollars', '0', 'upgrade', 'h2c')
    expect(answerHeaders([...raw, 'date', 'now'])).toEqual(['date', 'now'])
  })
})
