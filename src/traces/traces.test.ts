import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blocksIn, placeBlocks, rangesOf } from './blocks.ts'
import { readTrace } from './read.ts'
import { summarise } from './summary.ts'
import { cutTrace, inOrderOfTime, TraceError, type TraceRequest } from './trace.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const mooncake = (timestamp: number, input: number, ids: readonly number[], output = 1) =>
  JSON.stringify({ timestamp, input_length: input, output_length: output, hash_ids: ids })
const turn = (t: number, model: string, input: number, more: object) => ({
  t,
  type: 'n',
  model,
  in: input,
  out: 5,
  ...more,
})
const session = (id: string, requests: readonly object[], prefixTokens = 0) =>
  JSON.stringify({ id, models: [], block_size: 64, tool_tokens: prefixTokens, system_tokens: 0, requests })

describe('reading Mooncake', () => {
  it('keeps times, lengths and blocks, joined to ranges, in order of time', () => {
    const trace = readTrace(bytes(`${mooncake(7, 1500, [0, 1, 5])}\n${mooncake(3, 512, [0], 9)}\n`))
    expect(trace).toMatchObject({ format: 'mooncake', blockTokens: 512, blockIds: 6 })
    expect(trace.requests).toMatchObject([
      { atMs: 3, inputTokens: 512, outputTokens: 9, blocks: [0, 0], model: null },
      { atMs: 7, inputTokens: 1500, outputTokens: 1, blocks: [0, 1, 5, 5] },
    ])
  })

  it('counts reuse as a cache without bounds has it: only the unbroken beginning, the last block at its true length', () => {
    const lines = [mooncake(0, 1100, [0, 1, 2]), mooncake(1, 1100, [0, 1, 2]), mooncake(2, 1536, [0, 9, 2])]
    const { reusableShare, blocks } = summarise(readTrace(bytes(lines.join('\n'))))
    expect(reusableShare).toBeCloseTo((1100 + 512) / (1100 + 1100 + 1536), 12)
    expect(blocks).toBe(4)
  })
})

describe('reading Azure', () => {
  it('counts milliseconds from the first row, over midnight and a leap day', () => {
    const rows = ['2024-02-29 23:59:59.5000000,10,20', '2024-03-01 00:00:00.7500000,30,40']
    const trace = readTrace(bytes(`TIMESTAMP,ContextTokens,GeneratedTokens\r\n${rows.join('\r\n')}\r\n`))
    expect(
      trace.requests.map(({ atMs, inputTokens, outputTokens, blocks }) => [atMs, inputTokens, outputTokens, blocks]),
    ).toEqual([
      [0, 10, 20, null],
      [1250, 30, 40, null],
    ])
    expect(summarise(trace).reusableShare).toBeNull()
  })

  it('agrees with the calendar on every day', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40_000 }), fc.integer({ min: 0, max: 40_000 }), (a, b) => {
        const row = (day: number) => `${new Date(day * 86_400_000).toISOString().slice(0, 10)} 00:00:00,1,1`
        const { requests } = readTrace(bytes(`TIMESTAMP,ContextTokens,GeneratedTokens\n${row(a)}\n${row(b)}\n`))
        expect(requests[1]!.atMs).toBe(Math.abs(a - b) * 86_400_000)
      }),
    )
  })
})

describe('reading sessions', () => {
  const first = session(
    'one',
    [
      turn(0, 'big', 200, { hash_ranges: [[1, 3]], api_time: 2 }),
      {
        t: 5,
        type: 'subagent',
        agent_id: 'a',
        tool_tokens: 0,
        system_tokens: 0,
        requests: [
          turn(0, 'small', 70, { hash_ids: [9] }),
          turn(4, 'small', 130, { hash_ids: [9, 10], think_time: 1.5 }),
        ],
      },
      turn(12, 'big', 330, {
        hash_ranges: [
          [1, 3],
          [5, 6],
        ],
        think_time: 8,
      }),
    ],
    64,
  )
  const second = session('two', [turn(0, 'big', 130, { hash_ids: [1, 2], think_time: 0 })], 128)

  it('says what each request follows, and after how much thought', () => {
    const { requests } = readTrace(bytes(first))
    expect(requests.map(({ atMs, session: conversation, follows }) => [atMs, conversation, follows])).toEqual([
      [0, 'one', null],
      [5000, 'one/a', { request: 0, thinkMs: 3000 }],
      [9000, 'one/a', { request: 1, thinkMs: 1500 }],
      [12000, 'one', { request: 0, thinkMs: 8000 }],
    ])
    expect(new Set(requests.map(({ tenant }) => tenant))).toEqual(new Set(['one']))
  })

  it('shares the tools and the system prompt among sessions of a model, and nothing else', () => {
    const trace = readTrace(bytes(`${first}\n${second}\n`))
    const sets = trace.requests
      .filter(({ model }) => model === 'big')
      .sort((a, b) => (a.session! < b.session! ? -1 : 1))
      .map(({ blocks }) => expand(blocks!))
    const [one, again, two] = sets as [number[], number[], number[]]
    expect(one).toHaveLength(3)
    expect(again.slice(0, 3)).toEqual(one)
    expect(two[0]).toBe(one[0])
    expect(one.concat(again)).not.toContain(two[1])
    expect(Math.max(...sets.flat())).toBeLessThan(trace.blockIds)
  })

  it('reads a session that takes many lines, as it reads one on a line', () => {
    const pretty = JSON.stringify(JSON.parse(first), null, 2)
    expect(readTrace(bytes(pretty))).toEqual(readTrace(bytes(first)))
  })

  it('begins sessions as a Poisson process of the wanted rate, the same for the same seed', () => {
    const many = bytes(
      Array.from({ length: 2000 }, (_, i) => session(`s${i}`, [turn(0, 'm', 10, { hash_ids: [] })])).join('\n'),
    )
    const starts = (seed: number) => readTrace(many, { seed, sessionsPerHour: 3600 }).requests.map(({ atMs }) => atMs)
    expect(starts(1)).toEqual(starts(1))
    expect(starts(1)).not.toEqual(starts(2))
    expect(starts(1).at(-1)! / 1999).toBeCloseTo(1000, -2)
  })
})

function expand(ranges: readonly number[]): number[] {
  const ids: number[] = []
  for (let i = 0; i < ranges.length; i += 2) for (let id = ranges[i]!; id <= ranges[i + 1]!; id++) ids.push(id)
  return ids
}

describe('blocks', () => {
  it('are the same after joining to ranges', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 })), ids => {
        expect(expand(rangesOf(ids))).toEqual(ids)
        expect(blocksIn(rangesOf(ids))).toBe(ids.length)
      }),
    )
  })

  it('keep their number and order when they are placed, with the first at the shared place', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 })), fc.nat(60), (ids, wanted) => {
        const shared = Math.min(wanted, ids.length)
        const placed = expand(placeBlocks(rangesOf(ids), 10_000, shared, 500))
        expect(placed).toEqual(ids.map((id, i) => (i < shared ? 500 + i : 10_000 + id)))
      }),
    )
  })
})

describe('a trace', () => {
  const request = (atMs: number, follows: number | null): TraceRequest => ({
    atMs,
    model: null,
    inputTokens: 1,
    outputTokens: 1,
    blocks: null,
    tenant: null,
    session: null,
    follows: follows === null ? null : { request: follows, thinkMs: 1 },
  })

  it('never has a request before the one it follows, whatever the recorded times', () => {
    const anyRequests = fc.array(fc.record({ at: fc.nat(20), back: fc.nat(5) }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(anyRequests, drawn => {
        const requests = inOrderOfTime(
          drawn.map(({ at, back }, i) => request(at, back && i - back >= 0 ? i - back : null)),
        )
        for (const [index, { atMs, follows }] of requests.entries()) {
          if (index) expect(atMs).toBeGreaterThanOrEqual(requests[index - 1]!.atMs)
          if (follows) expect(follows.request).toBeLessThan(index)
        }
      }),
    )
  })

  it('is cut by count and by time', () => {
    const trace = readTrace(bytes([0, 10, 20, 30].map(at => mooncake(at, 5, [])).join('\n')))
    expect(cutTrace(trace, { requests: 3 }).requests).toHaveLength(3)
    expect(cutTrace(trace, { durationMs: 20 }).requests).toHaveLength(3)
    expect(cutTrace(trace, { durationMs: 19, requests: 3 }).requests).toHaveLength(2)
  })
})

describe('what cannot be used', () => {
  const good = mooncake(0, 600, [1, 2])
  const azure = 'TIMESTAMP,ContextTokens,GeneratedTokens'
  const fault = (text: string | Uint8Array) => {
    try {
      readTrace(typeof text === 'string' ? bytes(text) : text)
    } catch (error) {
      expect(error).toBeInstanceOf(TraceError)
      return error as TraceError
    }
    throw new Error('it was read')
  }

  it.each([
    ['an empty file', '', null, /found nothing/],
    ['white space', '\n \n', null, /found nothing/],
    ['prose', 'Dear reader,\nthis is a letter.\n', 1, /Mooncake.*Azure.*ServeGen/],
    ['another JSON', '{"a":1}\n', 1, /Mooncake/],
    ['a torn first line', '{"timestamp": 7, "input_le', 1, /JSON/],
    ['a torn line', `${good}\n\n{"timestamp": 7, "input_le\n${good}`, 3, /JSON/],
    ['a missing field', `${good}\n{"timestamp":1,"input_length":5,"hash_ids":[]}`, 2, /output_length: .*number/],
    [
      'a fraction of a token',
      `${good}\n{"timestamp":1,"input_length":5.5,"output_length":1,"hash_ids":[]}`,
      2,
      /input_length/,
    ],
    ['a wrong id', `${good}\n{"timestamp":1,"input_length":5,"output_length":1,"hash_ids":["x"]}`, 2, /hash_ids\[0\]/],
    ['more blocks than tokens', `${good}\n${mooncake(1, 512, [1, 2])}`, 2, /at most 1 block/],
    ['a row that is no row', `${azure}\n2023-11-16 18:15:46.6,1,2\n2023-11-16,1,2\n`, 3, /expected `TIMESTAMP/],
    ['a header alone', `${azure}\n`, null, /at least one request/],
    ['a session without blocks', session('s', [turn(0, 'm', 5, {})]), 1, /hash_ranges/],
    ['a range that falls', session('s', [turn(0, 'm', 500, { hash_ranges: [[3, 1]] })]), 1, /rising/],
    ['a sub-agent without requests', session('s', [{ t: 0, type: 'subagent', agent_id: 'a' }]), 1, /requests/],
    ['rates without lengths', 'client,t_s,rate_rps,cv,pattern,param1,param2\n0,0,1,1,Gamma,1,1\n', null, /lengths/],
    ['bytes that are no text', new Uint8Array([0xff, 0xfe, 0x00]), null, /UTF-8/],
  ])('%s is refused by its line and by what was expected there', (_, text, line, message) => {
    const error = fault(text)
    expect(error.line).toBe(line)
    expect(error.message).toMatch(message)
  })

  it('takes any bytes without another kind of error', () => {
    const beginnings = fc.constantFrom('', '{', good, azure, session('s', []), '{"requests":')
    fc.assert(
      fc.property(beginnings, fc.uint8Array({ maxLength: 60 }), (beginning, rest) => {
        try {
          readTrace(new Uint8Array([...bytes(beginning), ...rest]))
        } catch (error) {
          expect(error).toBeInstanceOf(TraceError)
        }
      }),
    )
  })
})
