// What the dialects cost a call and a frame, in nanoseconds: `node bench/micro/dialects.ts`.
import { answerHeaders, forwardedHeaders, wireOf } from '../../src/dialects/index.ts'
import type { ParsedBody } from '../../src/ports/wire.ts'

/** Rounds of a measure, and how long each takes at least; the fastest is told, since whatever else runs only slows. */
const ROUNDS = 25
const ROUND_MS = 8
const WARM_UP_MS = 150

/** Takes what every operation returns, so that none is optimised away. */
let sink = 0

function nanosecondsOf(work: () => number): number {
  let batch = 1
  for (const until = performance.now() + WARM_UP_MS; performance.now() < until; ) sink += work()
  let fastest = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    for (let i = 0; i < batch; i++) sink += work()
    const elapsedMs = performance.now() - began
    if (elapsedMs < ROUND_MS && round === 0) {
      batch = Math.max(2 * batch, Math.ceil((batch * ROUND_MS) / Math.max(elapsedMs, 0.01)))
      round = -1
    } else fastest = Math.min(fastest, (elapsedMs * 1e6) / batch)
  }
  return fastest
}

function print(name: string, nanoseconds: number, bytes = 0): void {
  const rate = bytes === 0 ? '' : `  ${(bytes / nanoseconds).toFixed(2).padStart(6)} GB/s`
  console.log(`${name.padEnd(54)} ${nanoseconds.toFixed(0).padStart(12)} ns${rate}`)
}

const PROSE =
  'The harbour master wrote down every ship that came in before noon:\\n its name, its "master", and its flag. '

function bodyOf(bytes: number, streamed: boolean): Buffer {
  const turns: { role: string; content: string }[] = []
  const body = { model: 'fast', messages: turns, temperature: 0.7, max_tokens: 200, stream: streamed }
  const left = () => bytes - Buffer.byteLength(JSON.stringify(body)) - 40
  while (left() > 0) {
    const content = PROSE.repeat(Math.ceil(bytes / PROSE.length)).slice(0, Math.min(left(), 2_000))
    turns.push({ role: turns.length % 2 === 0 ? 'user' : 'assistant', content })
    if (turns.length > 400) return Buffer.from(JSON.stringify(body))
  }
  return Buffer.from(JSON.stringify(body))
}

function imageBody(bytes: number): Buffer {
  const url = `data:image/png;base64,${'iVBORw0KGgoAAAANSUhEUgAA'.repeat(bytes / 24)}`
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url } },
  ]
  return Buffer.from(JSON.stringify({ model: 'fast', messages: [{ role: 'user', content }] }))
}

function benchBodies(): void {
  const { parseBody } = wireOf('chat/completions')
  const cases: readonly (readonly [string, Buffer])[] = [
    ['300 B', bodyOf(300, false)],
    ['3 kB', bodyOf(3_000, false)],
    ['100 kB', bodyOf(100_000, false)],
    [
      '31 MB, one text',
      Buffer.from(JSON.stringify({ model: 'fast', messages: [{ content: 'x'.repeat(31_000_000) }] })),
    ],
    ['31 MB, one image', imageBody(31_000_000)],
    [
      '31 MB of brackets and numbers',
      Buffer.from(`{"model":"fast","x":[${'[1,-2.5e3,{"a":[]}],'.repeat(1_500_000)}0]}`),
    ],
    ['31 MB of escapes', Buffer.from(`{"model":"fast","x":"${'\\n\\u00e9\\"a'.repeat(2_800_000)}"}`)],
    ['31 MB of UTF-8', Buffer.from(JSON.stringify({ model: 'fast', x: 'é漢😀'.repeat(3_400_000) }))],
  ]
  for (const [name, bytes] of cases) {
    print(
      `parse a body, ${name}`,
      nanosecondsOf(() => (parseBody(bytes) as ParsedBody).promptBytes),
      bytes.length,
    )
    if (bytes.length < 1e6) {
      const text = () => (JSON.parse(bytes.toString()) as { model: string }).model.length
      print('  the same by JSON.parse', nanosecondsOf(text), bytes.length)
    }
  }
  const plain = parseBody(bodyOf(300, false)) as ParsedBody
  const streamed = parseBody(bodyOf(300, true)) as ParsedBody
  print(
    'body for the upstream, renamed',
    nanosecondsOf(() => plain.forUpstream('gpt-5-mini').length),
  )
  print(
    'body for the upstream, renamed and asked for usage',
    nanosecondsOf(() => streamed.forUpstream('gpt-5').length),
  )
}

const USAGE = {
  prompt_tokens: 100,
  completion_tokens: 200,
  total_tokens: 300,
  prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
}

function answerOf(text: string): Buffer {
  const message = { role: 'assistant', content: text, refusal: null, annotations: [] }
  const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }]
  return Buffer.from(
    JSON.stringify({
      id: 'chatcmpl-9f8a7b6c',
      object: 'chat.completion',
      created: 1_760_000_000,
      choices,
      usage: USAGE,
    }),
  )
}

function benchAnswers(): void {
  const { readAnswer } = wireOf('chat/completions')
  for (const repeats of [1, 20, 10_000]) {
    const bytes = answerOf(PROSE.repeat(repeats))
    print(
      `read an answer of ${bytes.length} B`,
      nanosecondsOf(() => readAnswer(bytes).usage!.inputTokens),
      bytes.length,
    )
  }
}

const ENVELOPE = { id: 'chatcmpl-9f8a7b6c5d4e3f2a1b', object: 'chat.completion.chunk', created: 1_760_000_000 }

const FRAMES: Readonly<Record<string, (i: number) => string>> = {
  'chat/completions': i => {
    const choices = [{ index: 0, delta: { content: ` token${i % 10}` }, finish_reason: null }]
    return `data: ${JSON.stringify({ ...ENVELOPE, model: 'gpt-5-mini-2025-08-07', choices })}\n\n`
  },
  responses: i => {
    const type = 'response.output_text.delta'
    const event = { type, sequence_number: i, item_id: 'msg_68a1b2c3d4e5', output_index: 0, content_index: 0 }
    return `event: ${type}\ndata: ${JSON.stringify({ ...event, delta: ` token${i % 10}`, logprobs: [] })}\n\n`
  },
  messages: i => {
    const type = 'content_block_delta'
    const delta = { type: 'text_delta', text: ` token${i % 10}` }
    return `event: ${type}\ndata: ${JSON.stringify({ type, index: 0, delta })}\n\n`
  },
  'chat/completions with logprobs': i => {
    const logprobs = {
      content: [{ token: ` token${i % 10}`, logprob: -i / 1000, bytes: [32, i % 100], top_logprobs: [] }],
    }
    const choices = [{ index: 0, delta: { content: ` token${i % 10}` }, logprobs, finish_reason: null }]
    return `data: ${JSON.stringify({ ...ENVELOPE, model: 'gpt-5-mini', choices })}\n\n`
  },
}

/** Nanoseconds a frame when a stream's frames come `perChunk` at a time, or cut into pieces of `pieceBytes`. */
function frameCost(name: string, split: { readonly perChunk?: number; readonly pieceBytes?: number }): number {
  const endpoint = name.startsWith('chat') ? 'chat/completions' : name === 'messages' ? 'messages' : 'responses'
  const wire = wireOf(endpoint)
  const body = wire.parseBody(bodyOf(300, true)) as ParsedBody
  const frames = Array.from({ length: 1_000 }, (_, i) => Buffer.from(FRAMES[name]!(i)))
  const whole = Buffer.concat(frames)
  const size = split.pieceBytes ?? 0
  const chunks = size > 0 ? piecesOf(whole, size) : groupsOf(frames, split.perChunk ?? 1)
  const stream = () => {
    const reader = wire.openStream(body)
    let shown = 0
    for (const chunk of chunks) shown += reader.push(chunk)?.length ?? 0
    return shown + reader.contentBytes
  }
  return nanosecondsOf(stream) / frames.length
}

function piecesOf(bytes: Buffer, size: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    Buffer.from(bytes.subarray(i * size, (i + 1) * size)),
  )
}

function groupsOf(frames: readonly Buffer[], size: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(frames.length / size) }, (_, i) =>
    Buffer.concat(frames.slice(i * size, (i + 1) * size)),
  )
}

function benchStreams(): void {
  for (const name of Object.keys(FRAMES)) {
    print(`a frame of ${name}, a chunk each`, frameCost(name, { perChunk: 1 }))
    print(`a frame of ${name}, 100 a chunk`, frameCost(name, { perChunk: 100 }))
    print(`a frame of ${name}, chunks of 1,400 B`, frameCost(name, { pieceBytes: 1_400 }))
  }
}

function benchHeaders(): void {
  const callers = ['Host', 'localhost:4000', 'Authorization', 'Bearer sk-1', 'Content-Type', 'application/json']
  callers.push('User-Agent', 'OpenAI/JS 7.55.0', 'Accept', 'application/json', 'X-Stainless-Lang', 'js')
  callers.push(
    'X-Stainless-OS',
    'Linux',
    'Connection',
    'keep-alive',
    'Content-Length',
    '300',
    'Accept-Encoding',
    'gzip',
  )
  const upstreams = [
    'content-type',
    'application/json',
    'x-request-id',
    'req_1',
    'date',
    'Tue, 21 Oct 2025 07:28:00 GMT',
  ]
  upstreams.push('openai-processing-ms', '412', 'x-ratelimit-limit-requests', '10000', 'connection', 'keep-alive')
  upstreams.push('content-length', '812', 'set-cookie', '__cf_bm=1')
  print(
    'headers that go up',
    nanosecondsOf(() => forwardedHeaders(callers).length),
  )
  print(
    'headers that come back',
    nanosecondsOf(() => answerHeaders(upstreams).length),
  )
}

benchBodies()
benchAnswers()
benchStreams()
benchHeaders()
if (sink === 0) throw new Error('nothing was measured')
