import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatListen, isLoopback, parseBaseUrl, parseListen } from './address.ts'
import { nearest } from './fault.ts'

describe('an address to listen on', () => {
  it.each([
    ['127.0.0.1:4000', '127.0.0.1', 4000],
    ['0.0.0.0:0', '0.0.0.0', 0],
    ['localhost:65535', 'localhost', 65_535],
    ['gateway-1.example.com:80', 'gateway-1.example.com', 80],
    ['[::1]:4000', '::1', 4000],
    ['[::]:0', '::', 0],
    ['[fe80::1%eth0]:80', 'fe80::1%eth0', 80],
  ])('is read from %s', (text, host, port) => {
    expect(parseListen(text)).toEqual({ host, port })
  })

  it.each([
    '',
    '4000',
    ':4000',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.256:80',
    '1.2.3:80',
    '::1:4000',
    '[::1]',
    '[127.0.0.1]:80',
    'a b:80',
    '-a:80',
    'a..b:80',
    'http://a:80',
  ])('is not read from %s', text => expect(parseListen(text)).toBeNull())

  it('is written as it was read', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6().map(ip => `[${ip}]`),
          fc.domain(),
        ),
        fc.integer({ min: 0, max: 65_535 }),
        (host, port) => {
          const read = parseListen(`${host}:${port}`)
          expect(read && formatListen(read)).toBe(`${host}:${port}`)
        },
      ),
    )
  })

  it.each([
    ['127.0.0.1', true],
    ['127.8.8.8', true],
    ['localhost', true],
    ['::1', true],
    ['[::1]', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['127.0.0.1.example.com', false],
  ])('%s is of this machine alone: %s', (host, own) => {
    expect(isLoopback(host)).toBe(own)
  })
})

describe('a base URL', () => {
  it.each([
    ['https://api.openai.com', 'https://api.openai.com/v1'],
    ['https://api.openai.com/', 'https://api.openai.com/v1'],
    ['https://api.openai.com/v1', 'https://api.openai.com/v1'],
    ['https://api.openai.com/v1/', 'https://api.openai.com/v1'],
    ['http://[::1]:8000/openai/deployments', 'http://[::1]:8000/openai/deployments'],
    ['HTTP://Example.com:80/V1', 'http://example.com/V1'],
  ])('of %s is %s', (text, url) => {
    expect(parseBaseUrl(text)).toEqual({ url })
  })

  it.each([
    '',
    'api.openai.com/v1',
    'ftp://a/v1',
    'http://',
    'http://a:99999',
    'http://u:p@a/v1',
    'http://a/v1?x=1',
    'http://a/v1#x',
    'http://a/v1?',
    'file:///v1',
  ])('is not read from %s', text => expect(parseBaseUrl(text)).toHaveProperty('problem'))
})

describe('the nearest name', () => {
  const known = ['listen', 'data', 'drain', 'upstreams', 'apiKey', 'baseUrl', 'prefixCache']
  it.each([
    ['lisen', 'listen'],
    ['apiKye', 'apiKey'],
    ['baseurl', 'baseUrl'],
    ['upstream', 'upstreams'],
    ['drian', 'drain'],
    ['dat', 'data'],
    ['xyz', null],
    ['x', null],
    ['', null],
  ])('to %s is %s', (word, meant) => {
    expect(nearest(word, known)).toBe(meant)
  })
})
