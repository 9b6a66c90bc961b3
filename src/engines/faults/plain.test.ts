import { describe, expect, it } from 'vitest'
import type { Endpoint } from '../../vocabulary/dialect.ts'
import { ManualClock } from '../simulated/serve.fixture.ts'
import { GARBAGE } from './bodies.ts'
import type { Fault, FaultKind } from './plan.ts'
import { ENDPOINTS, faultOf, type Heard, played, whole } from './stage.fixture.ts'

describe.each(ENDPOINTS)('a fault in a plain answer of %s', endpoint => {
  const good = whole(endpoint, false)
  const run = (kind: FaultKind, over: Partial<Fault> = {}) => played(faultOf(kind, over), endpoint, false)

  const half = good.text.length / 2
  it.each<[FaultKind, Heard['end'], number]>([
    ['refuse', 'unreachable', 0],
    ['reset', 'unreachable', 0],
    ['neverAccept', 'unreachable', 0],
    ['silence', 'open', 0],
    ['silenceAfterHeaders', 'open', 0],
    ['emptyBody', 'ended', 0],
    ['noEvents', 'ended', 0],
    ['cutBeforeContent', 'cut', 0],
    ['roleOnly', 'open', 0],
    ['truncatedJson', 'ended', half],
    ['shortBody', 'cut', half],
    ['cut', 'cut', half],
    ['endWithoutTerminal', 'ended', half],
    ['halfFrame', 'ended', half],
    ['stall', 'open', half],
  ])('%s is %s, after %i characters of the answer', (kind, end, characters) => {
    const heard = run(kind)
    expect([heard.end, heard.idle]).toEqual([end, true])
    expect(Math.abs(heard.text.length - characters)).toBeLessThanOrEqual(1)
  })

  it('garbage stands in its middle', () => {
    const { end, text } = run('garbage')
    expect([end, text.length]).toEqual(['ended', good.text.length + GARBAGE.length])
    expect(() => JSON.parse(text)).toThrow()
  })

  it.each(['errorEvent', 'errorInside200'] as const)('%s is an error inside a 200', kind => {
    const { end, status, text, asked } = run(kind)
    expect([end, status, asked, typeof JSON.parse(text).error.message]).toEqual(['ended', 200, 0, 'string'])
  })

  it('noDone changes nothing, slow and slowTokens only when it comes', () => {
    for (const kind of ['noDone', 'slow', 'slowTokens'] as const) {
      const heard = run(kind, { waitMs: 3_000 })
      expect([heard.end, JSON.parse(heard.text).usage]).toEqual(['ended', JSON.parse(good.text).usage])
      expect(heard.at[0]! > 3_000).toBe(kind !== 'noDone')
    }
  })

  it('keepAlives is white space for ever', () => {
    const { end, status, text } = run('keepAlives')
    expect([end, status, text.trim(), text.length > 100]).toEqual(['open', 200, '', true])
  })
})

describe('a status', () => {
  const run = (endpoint: Endpoint, over: Partial<Fault>) => played(faultOf('status', over), endpoint, true)

  it.each([
    [400, 'invalid_request_error', 'invalid_request_error'],
    [401, 'invalid_request_error', 'authentication_error'],
    [429, 'rate_limit_exceeded', 'rate_limit_error'],
    [500, 'server_error', 'api_error'],
    [503, 'server_error', 'overloaded_error'],
    [529, 'server_error', 'overloaded_error'],
  ])('%i is an error of the dialect', (status, openai, anthropic) => {
    for (const [endpoint, type] of [
      ['chat/completions', openai],
      ['messages', anthropic],
    ] as const) {
      const heard = run(endpoint, { status })
      expect([heard.status, heard.end, heard.asked, JSON.parse(heard.text).error.type]).toEqual([
        status,
        'ended',
        0,
        type,
      ])
    }
  })

  it('says in any form when to ask again, never sooner than it was told to', () => {
    const said = (form: 'seconds' | 'milliseconds' | 'date', ms: number) => {
      const { headers } = run('messages', { status: 429, retryAfter: { ms, form } })
      return headers.slice(2)
    }
    expect(said('seconds', 1_500)).toEqual(['retry-after', '2'])
    expect(said('milliseconds', 1_500)).toEqual(['retry-after-ms', '1500'])
    const [name, date] = said('date', 1_500)
    const now = new ManualClock().now()
    expect([name, Date.parse(date!) >= now + 1_500, Date.parse(date!) < now + 2_500]).toEqual([
      'retry-after',
      true,
      true,
    ])
    expect(said('seconds', 0)).toEqual(['retry-after', '0'])
  })
})
