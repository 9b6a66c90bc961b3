import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stageLife } from './stage.fixture.ts'

const bytes = (text: string) => Buffer.from(text)
const STREAM = ['content-type', 'text/event-stream']

describe('a plain answer', () => {
  it('leaves only when its record is on disk, with what it cost', () => {
    const { stage } = stageLife()
    stage.sink!.head(200, ['content-type', 'application/json'])
    stage.sink!.data(bytes('hello U'))
    stage.sink!.end()
    expect(stage.reply.events).toEqual([])
    expect(stage.records).toHaveLength(1)
    stage.durable!(null)
    expect(stage.reply.events).toEqual(['head', 'end'])
    expect(stage.reply.text).toBe('hello U')
    // 10 tokens at $1 and 5 at $2 a million.
    expect(stage.reply.header('x-penstock-dollars')).toBe('0.00002')
    expect(stage.reply.header('content-length')).toBe('7')
    expect(stage.limit()).toEqual({ used: 20_000, held: 0 })
  })

  it('is withheld when its record can not be written', () => {
    const { stage } = stageLife()
    stage.sink!.head(200, [])
    stage.sink!.data(bytes('secret U'))
    stage.sink!.end()
    stage.durable!(new Error('the disk is full'))
    expect(stage.reply.text).toBe('internal')
    expect(stage.lost).toEqual(stage.records)
  })

  it('of an error comes back with its status and costs nothing', () => {
    const { stage } = stageLife()
    stage.sink!.head(429, ['retry-after', '17'])
    stage.sink!.data(bytes('slow down'))
    stage.sink!.end()
    stage.durable!(null)
    expect([stage.reply.status, stage.reply.text, stage.reply.header('retry-after')]).toEqual([429, 'slow down', '17'])
    expect(stage.records[0]).toMatchObject({ outcome: 'failed', status: 429, dollars: 0n })
    expect(stage.records[0]!.attempts[0]).toMatchObject({ outcome: 'rateLimited', usage: null, dollars: 0n })
    expect(stage.limit()).toEqual({ used: 0, held: 0 })
  })

  it.each([
    ['nonsense inside a 200', '!nonsense', 'malformed'],
    ['more than the bound', 'x'.repeat(2_000), 'malformed'],
  ])('of %s is a failure of the upstream', (_, text, outcome) => {
    const { stage } = stageLife()
    stage.sink!.head(200, [])
    stage.sink!.data(bytes(text))
    stage.sink?.end()
    stage.durable!(null)
    expect([stage.reply.status, stage.reply.text]).toEqual([502, 'upstreamFailed'])
    expect(stage.records[0]!.attempts[0]!.outcome).toBe(outcome)
  })

  it('of an error that did not come whole in its time is not shown as if it had', () => {
    const { stage } = stageLife({ timeLimits: { totalMs: 1_000 } })
    stage.sink!.head(500, ['content-type', 'application/json'])
    stage.sink!.data(bytes('{"error": {"mess'))
    stage.pass(1_000)
    stage.durable!(null)
    expect([stage.reply.status, stage.reply.text]).toEqual([502, 'upstreamTimeout'])
    expect(stage.records[0]!.attempts[0]).toMatchObject({ outcome: 'timedOut', status: 500, dollars: 0n })
  })

  it.each([302, 304, 600])('of status %i is no answer to a call, and nobody pays for it', status => {
    const { stage } = stageLife()
    stage.sink!.head(status, ['location', 'http://10.0.0.1/'])
    stage.sink!.data(bytes('moved'))
    stage.sink!.end()
    stage.durable!(null)
    expect([stage.reply.status, stage.reply.text]).toEqual([502, 'upstreamFailed'])
    expect(stage.records[0]!.attempts[0]).toMatchObject({ outcome: 'malformed', usage: null, dollars: 0n })
  })

  it('that is an error inside a 200 is the fault of the upstream and costs nothing', () => {
    const { stage } = stageLife()
    stage.sink!.head(200, [])
    stage.sink!.data(bytes('!error'))
    stage.sink!.end()
    stage.durable!(null)
    expect([stage.reply.status, stage.reply.text]).toEqual([502, 'upstreamFailed'])
    expect(stage.records[0]!.attempts[0]).toMatchObject({ outcome: 'serverError', usage: null, dollars: 0n })
  })

  it('that breaks off is paid by what had come', () => {
    const { stage } = stageLife()
    stage.sink!.head(200, [])
    stage.sink!.data(bytes('x'.repeat(120)))
    stage.sink!.fail({ kind: 'cut', message: 'reset' })
    stage.durable!(null)
    const [attempt] = stage.records[0]!.attempts
    expect(attempt).toMatchObject({ outcome: 'cut', usage: { source: 'estimated' } })
    expect(attempt!.usage!.outputTokens).toBeGreaterThan(10)
  })

  it('without a price is unrated, holds nothing and shows no dollars', () => {
    const { stage } = stageLife({ priced: false })
    stage.sink!.head(200, [])
    stage.sink!.data(bytes('U'))
    stage.sink!.end()
    stage.durable!(null)
    expect(stage.records[0]).toMatchObject({ dollars: null, heldDollars: null })
    expect(stage.reply.header('x-penstock-dollars')).toBeUndefined()
  })
})

describe('a stream', () => {
  it('is shown as it comes; its last event waits for the record', () => {
    const { stage } = stageLife({ streamed: true })
    stage.sink!.head(200, STREAM)
    expect(stage.reply.events).toEqual([])
    stage.sink!.data(bytes('ab'))
    expect([stage.reply.events, stage.reply.text]).toEqual([['head', 'write'], 'ab'])
    stage.sink!.data(bytes('cU.'))
    expect(stage.reply.text).toBe('abcU')
    stage.durable!(null)
    expect(stage.reply.text).toBe('abcU[0.00002].')
    expect(stage.records[0]).toMatchObject({ outcome: 'completed', streamed: true })
  })

  it('that breaks says so, and costs what was shown', () => {
    const { stage } = stageLife({ streamed: true })
    stage.sink!.head(200, STREAM)
    stage.sink!.data(bytes('abc'))
    stage.sink!.fail({ kind: 'cut', message: 'reset' })
    stage.durable!(null)
    expect(stage.reply.text).toMatch(/^abc\[[\d.]+\]<upstreamFailed>$/)
    expect(stage.records[0]).toMatchObject({ outcome: 'failed' })
    expect(stage.records[0]!.attempts[0]).toMatchObject({ outcome: 'cut', usage: { source: 'estimated' } })
  })

  it('whose connection breaks after its last event is whole', () => {
    const { stage } = stageLife({ streamed: true })
    stage.sink!.head(200, STREAM)
    stage.sink!.data(bytes('aU.'))
    stage.sink!.fail({ kind: 'cut', message: 'reset' })
    stage.durable!(null)
    expect(stage.records).toHaveLength(1)
    expect(stage.records[0]).toMatchObject({ outcome: 'completed' })
  })

  it('is cut when its record can not be written, so that nobody takes it for whole', () => {
    const { stage } = stageLife({ streamed: true })
    stage.sink!.head(200, STREAM)
    stage.sink!.data(bytes('aU.'))
    stage.durable!(new Error('the disk is full'))
    expect(stage.reply.events.at(-1)).toBe('cut')
    expect(stage.reply.text).toBe('aU')
  })

  it('that comes compressed is not shown: nobody could read its end', () => {
    const { stage } = stageLife({ streamed: true })
    stage.sink!.head(200, [...STREAM, 'content-encoding', 'gzip'])
    stage.durable!(null)
    expect([stage.reply.status, stage.reply.text, stage.aborted]).toEqual([502, 'upstreamFailed', 1])
  })

  it('that a stop breaks off says that the gateway stops, not that the upstream failed', () => {
    const { stage, life } = stageLife({ streamed: true })
    stage.sink!.head(200, STREAM)
    stage.sink!.data(bytes('abc'))
    life.stop()
    stage.durable!(null)
    expect(stage.reply.text).toMatch(/^abc\[[\d.]+\]<noDeployment>$/)
    expect(stage.records[0]!.attempts[0]).toMatchObject({ outcome: 'timedOut', usage: { source: 'estimated' } })
  })

  it('to a slow reader holds its upstream up until there is room', () => {
    const { stage } = stageLife({ streamed: true })
    stage.sink!.head(200, STREAM)
    stage.reply.full = true
    stage.sink!.data(bytes('a'))
    expect(stage.paused).toBe(true)
    stage.reply.onDrain!()
    expect(stage.paused).toBe(false)
  })

  it('that can not be read is stopped at once, since nobody is shown the rest', () => {
    const { stage } = stageLife({ streamed: true })
    stage.sink!.head(200, STREAM)
    stage.sink!.data(bytes('ab#'))
    expect([stage.aborted, stage.records[0]!.attempts[0]!.outcome]).toEqual([1, 'malformed'])
    expect(stage.timers).toEqual([])
  })

  it('that keeps its connection open after the last event is closed, and one that ends leaves no timer', () => {
    const open = stageLife({ streamed: true }).stage
    open.sink!.head(200, STREAM)
    open.sink!.data(bytes('a.'))
    open.pass(2_000)
    expect(open.aborted).toBe(1)
    const closed = stageLife({ streamed: true }).stage
    closed.sink!.head(200, STREAM)
    closed.sink!.data(bytes('a.'))
    closed.sink!.end()
    expect(closed.timers).toEqual([])
  })
})

describe('a caller who leaves', () => {
  it('frees the upstream and pays an estimate within its hold', () => {
    const { stage } = stageLife({ streamed: true })
    stage.sink!.head(200, STREAM)
    stage.sink!.data(bytes('a'.repeat(60)))
    stage.reply.onLeft!()
    expect(stage.aborted).toBe(1)
    const [record] = stage.records
    expect(record).toMatchObject({ outcome: 'callerLeft', attempts: [{ outcome: 'callerLeft' }] })
    expect(record!.dollars! > 0n && record!.dollars! <= record!.heldDollars!).toBe(true)
  })
})

describe('an attempt that is broken off before anything of it was sent', () => {
  it.each([true, false])('costs nothing and gives its request back, and one that was sent does neither: %s', unsent => {
    const limits = [{ scope: 'key:ci', unit: 'requests', amount: 5, window: 'total' }]
    const { stage } = stageLife({ streamed: true, limits, timeLimits: { firstTokenMs: 500 } })
    stage.unsent = unsent
    stage.pass(500)
    const { outcome, usage, dollars } = stage.records[0]!.attempts[0]!
    expect([outcome, usage === null, dollars === 0n]).toEqual(['firstTokenTimeout', unsent, unsent])
    expect(stage.limit('key:ci', 'requests')).toEqual({ used: unsent ? 0 : 1, held: 0 })
  })
})

describe('a ledger that can not be written', () => {
  it('lets no call in that could not be accounted for', () => {
    const { stage } = stageLife({ writable: false })
    expect([stage.request, stage.records, stage.refused]).toEqual([null, [], ['noDeployment']])
    expect([stage.reply.text, stage.limit().held]).toEqual(['noDeployment', 0])
  })
})

describe('an upstream that can not be reached', () => {
  it("is refused in the caller's dialect and gives the hold back", () => {
    const { stage } = stageLife()
    stage.sink!.fail({ kind: 'unreachable', message: 'connect ECONNREFUSED' })
    stage.durable!(null)
    expect([stage.reply.status, stage.reply.text]).toEqual([502, 'upstreamFailed'])
    expect(stage.records[0]!.attempts[0]).toMatchObject({ outcome: 'unreachable', usage: null, dollars: 0n })
    expect(stage.limit()).toEqual({ used: 0, held: 0 })
  })
})

describe('every life', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('head' as const), status: fc.constantFrom(200, 200, 302, 400, 429, 500, 503, 529) }),
    fc.record({ kind: fc.constant('data' as const), text: fc.stringMatching(/^[a-cUE.!]{1,6}$/) }),
    fc.record({
      kind: fc.constantFrom('end' as const, 'cut' as const, 'leave' as const, 'drain' as const, 'stop' as const),
    }),
  )

  it('ends once, with one record, all of its hold resolved and nothing shown after the end', () => {
    const outcomes = new Set<string>()
    fc.assert(
      fc.property(fc.boolean(), fc.array(event, { maxLength: 12 }), fc.boolean(), (streamed, events, disk) => {
        const { stage, life } = stageLife({ streamed })
        let headed = false
        for (const { kind, ...rest } of events) {
          const { sink } = stage
          if (kind === 'leave') stage.reply.onLeft?.()
          else if (kind === 'stop') life.stop()
          else if (kind === 'drain') stage.reply.onDrain?.()
          else if (sink === null) continue
          else if (kind === 'head' && !headed) {
            headed = true
            sink.head((rest as { status: number }).status, STREAM)
          } else if (kind === 'data' && headed) sink.data(bytes((rest as { text: string }).text))
          else if (kind === 'end' && headed) {
            stage.sink = null
            sink.end()
          } else if (kind === 'cut') {
            stage.sink = null
            sink.fail({ kind: headed ? 'cut' : 'unreachable', message: 'broken' })
          }
        }
        // Whatever happened, the caller leaves in the end.
        stage.reply.onLeft?.()
        stage.durable?.(disk ? null : new Error('full'))
        expect(stage.records).toHaveLength(1)
        expect(stage.ended).toBe(1)
        expect(stage.limit().held).toBe(0)
        const record = stage.records[0]!
        outcomes.add(record.attempts[0]!.outcome)
        expect(BigInt(stage.limit().used)).toBe(record.dollars)
        const closings = stage.reply.events.filter(name => name === 'end' || name === 'cut')
        expect(closings.length).toBeLessThanOrEqual(1)
        if (closings.length > 0) expect(['end', 'cut']).toContain(stage.reply.events.at(-1))
        expect(stage.reply.events.filter(name => name === 'head').length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 3_000 },
    )
    expect([...outcomes].sort()).toEqual([
      'callerLeft',
      'completed',
      'cut',
      'malformed',
      'overloaded',
      'rateLimited',
      'rejected',
      'serverError',
      'timedOut',
      'unreachable',
    ])
  })
})
