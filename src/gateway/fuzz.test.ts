import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SECRET, type Stage, startStage, until } from './stage.fixture.ts'

/** Cases in all; each is one connection. */
const CASES = 1_000
const ANSWER_WITHIN_MS = 5_000

const LIMITS = [
  { scope: 'key:ci', unit: 'dollars', amount: '9000000', window: 'total' },
  { scope: 'each:key', unit: 'concurrency', amount: CASES },
]

let stage: Stage
beforeAll(async () => {
  stage = await startStage((_request, response, body) => {
    const streamed = /"stream"\s*:\s*true/.test(body.toString())
    if (!streamed) {
      response.setHeader('content-type', 'application/json')
      response.end('{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}')
      return
    }
    response.setHeader('content-type', 'text/event-stream')
    for (const frame of FRAMES) response.write(frame)
    response.end()
  }, LIMITS)
})
afterAll(() => stage.close())

const FRAMES = ['data: {"choices":[{"delta":{"content":"hi"}}]}\n\n', 'data: [DO', 'NE]\n\n']

/** Sends bytes in pieces over one connection and takes what comes until it ends or nothing more is to come. */
function exchange(pieces: readonly Buffer[], leaves = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(stage.port, '127.0.0.1')
    let answer = ''
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no end of the answer to ${Buffer.concat(pieces).toString('latin1').slice(0, 300)}`))
    }, ANSWER_WITHIN_MS)
    const done = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    socket.on('data', bytes => {
      answer += bytes.toString('latin1')
      if (isWhole(answer)) done()
    })
    socket.on('close', done)
    socket.on('error', done)
    for (const piece of pieces) socket.write(piece)
    // Whoever announced more than it sent has nothing more to say; to Node a half-closed connection is a caller who left.
    if (leaves) setTimeout(() => socket.end(), 20)
  })
}

/** Whether an HTTP answer has come to its end. */
function isWhole(answer: string): boolean {
  const at = answer.indexOf('\r\n\r\n')
  if (at < 0) return false
  const length = /content-length: (\d+)/i.exec(answer.slice(0, at))?.[1]
  return length === undefined ? answer.endsWith('0\r\n\r\n') : answer.length - at - 4 >= Number(length)
}

const json = fc.json({ maxDepth: 4 })
const bodies = fc.oneof(
  json,
  json.map(text => `{"model":"fast","messages":${text}}`),
  fc.constantFrom(
    '{"model":"fast","messages":[]}',
    '{"model":"fast","stream":true,"messages":[]}',
    '{"model":"claude","max_tokens":5}',
  ),
  fc
    .tuple(
      fc.constantFrom('{"model":"fast","stream":true,"messages":[{"role":"user","content":"é😀"}]}'),
      fc.nat(),
      fc.string(),
    )
    .map(([text, at, junk]) => text.slice(0, at % text.length) + junk + text.slice(at % text.length)),
  fc.string({ unit: 'binary' }),
  fc.constant('['.repeat(100_000)),
  fc.constant(`{"model":"fast","a":"${'\\u0000'.repeat(2_000)}"}`),
)
const paths = fc.constantFrom(
  '/v1/chat/completions',
  '/v1/messages?beta=true',
  '/v1/messages/count_tokens',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/models/%E0%A4%A',
  '/v1/receipts/%00',
  '//v1//x',
  '/%2e%2e/admin/v1/keys',
)
const headerNames = fc.constantFrom(
  'x-penstock-tag',
  'x-penstock-run',
  'x-penstock-run-budget',
  'x-penstock-max-dollars',
  'traceparent',
  'content-type',
  'x-api-key',
  'expect',
  'cookie',
  'x-junk',
)
const headers = fc.array(fc.tuple(headerNames, fc.string({ maxLength: 60 })), { maxLength: 5 })

interface Case {
  readonly path: string
  readonly body: string
  readonly extra: readonly (readonly [string, string])[]
  readonly lengthOff: number
  readonly cuts: readonly number[]
  readonly key: boolean
}

/** One request as bytes, cut into pieces anywhere. */
function piecesOf({ path, body, extra, lengthOff, cuts, key }: Case): readonly Buffer[] {
  const bytes = Buffer.from(body)
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: gateway',
    `content-length: ${Math.max(0, bytes.length + lengthOff)}`,
    ...(key ? [`authorization: Bearer ${SECRET}`] : []),
    ...extra.map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  ].join('\r\n')
  const all = Buffer.concat([Buffer.from(head, 'latin1'), bytes])
  const places = [...new Set(cuts.map(cut => cut % all.length))].sort((a, b) => a - b)
  return [0, ...places]
    .map((from, i, starts) => all.subarray(from, starts[i + 1] ?? all.length))
    .filter(piece => piece.length > 0)
}

describe('the gateway', () => {
  it(`answers ${CASES} hostile requests, leaks nothing and serves the next one`, async () => {
    const cases = fc.record<Case>({
      path: paths,
      body: bodies,
      extra: headers,
      lengthOff: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.integer({ min: -5, max: 5 })),
      cuts: fc.array(fc.nat(), { maxLength: 6 }),
      key: fc.integer({ min: 0, max: 9 }).map(chance => chance > 0),
    })
    const statuses = new Set<string>()
    await fc.assert(
      fc.asyncProperty(cases, async one => {
        const answer = await exchange(piecesOf(one), one.lengthOff > 0)
        // A connection that ends before its request did gets no answer; every other begins with a status.
        if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 (100|200|400|401|403|404|405|413|417|431|502)/)
        statuses.add(answer.slice(9, 12))
        expect(answer).not.toContain(SECRET)
      }),
      { numRuns: CASES },
    )
    for (const status of ['200', '400', '401', '403', '404']) expect([...statuses]).toContain(status)
    await until('every life to end', () => stage.gateway.livesUnderWay === 0)
    expect(stage.limits().map(limit => limit.held)).toEqual([0, 0])
    expect(new Set(stage.records.map(record => record.id)).size).toBe(stage.records.length)
    const last = await exchange([
      Buffer.from(
        `POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: Bearer ${SECRET}\r\ncontent-length: 30\r\n\r\n{"model":"fast","messages":[]}`,
      ),
    ])
    expect(last).toMatch(/^HTTP\/1\.1 200 /)
  }, 120_000)
})
