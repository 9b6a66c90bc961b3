import Anthropic from '@anthropic-ai/sdk'
import fc from 'fast-check'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { Usage } from '../../vocabulary/usage.ts'
import { chat, chunk, DONE, event, latin1, messages, STREAMS, split } from '../stream/streams.fixture.ts'
import {
  ASKED,
  bodyIn,
  type Going,
  goOn,
  type Joined,
  readOn,
  type Seen,
  seenIn,
  shownAnswer,
} from './joined.fixture.ts'

const JOINED = ['chat/completions', 'messages'] as const
const WORDS = 'One broken pump must never stop the water that the other pumps can still carry'.split(/(?= )/)
const TEXT = WORDS.join('')
const HALF = WORDS.slice(0, 7)
const wordsOf = (text: string) => text.match(/\s*\S+|\s+$/g) ?? []

/** The frames of a stream with these words up to its last word, under names of its own. */
function begun(endpoint: Joined, words: readonly string[]): string {
  const frames = STREAMS[endpoint](words).split(/(?<=\n\n)/)
  const first = frames.slice(0, (endpoint === 'messages' ? 3 : 1) + words.length).join('')
  return first.replaceAll('"c1"', '"first"').replaceAll('"model":"m"', '"model":"m1","system_fingerprint":"f1"')
}

/** What a well-behaved upstream says behind what it was told. */
function rest(endpoint: Joined, continuation: ReturnType<typeof goOn>, whole: string): Buffer {
  const last = bodyIn(continuation).messages.at(-1)!
  const told = last.role === 'assistant' ? String(last.content) : ''
  expect(whole.startsWith(told)).toBe(true)
  return Buffer.from(STREAMS[endpoint](wordsOf(whole.slice(told.length))))
}

function expectOne(endpoint: Joined, seen: Seen, text: string): void {
  const finish = endpoint === 'messages' ? 'end_turn' : 'stop'
  expect(seen).toMatchObject({ text, roles: 1, finishes: [finish], ends: 1 })
  if (endpoint === 'messages') expect([seen.starts, seen.stops]).toEqual([[0], [0]])
  else expect([...seen.names]).toEqual(['["first",1760000000,"m1","f1"]'])
}

describe.each(JOINED)('a stream of %s that another upstream goes on with', endpoint => {
  const answered = (words: readonly string[] = HALF) => shownAnswer(endpoint, begun(endpoint, words), ASKED)

  it('is one answer, wherever it was cut and however the rest comes', () => {
    const unit = fc.constantFrom('a', 'b', ' ', '\n', '😀', 'é', '"')
    const text = fc.array(fc.string({ unit, minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 10 })
    const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(text, text, cuts, fc.constantFrom('prefill', 'anew'), (before, behind, sizes, how) => {
        const whole = before.join('') + behind.join('')
        const answer = answered(before)
        const told = endpoint === 'messages' ? before.join('').trimEnd() : before.join('')
        // Less is alike than could be a beginning from the start.
        fc.pre(how === 'anew' || told === '' || !whole.slice(told.length).startsWith(told.slice(0, 4)))
        const continuation = goOn(answer, { how: how as 'prefill' | 'anew' })
        const {
          text: shown,
          whole: isWhole,
          reader,
        } = readOn(continuation, split(rest(endpoint, continuation, whole), sizes))
        expectOne(endpoint, seenIn(begun(endpoint, before) + shown), whole)
        expect([isWhole, reader.disagrees, reader.ended, reader.malformed, reader.sawError]).toEqual([
          true,
          false,
          true,
          false,
          false,
        ])
        expect(reader).toMatchObject({ usageFinal: true, usage: { inputTokens: 100, outputTokens: 20 } })
      }),
      { numRuns: 200 },
    )
  })

  it('may be cut again and again', () => {
    const answer = answered(WORDS.slice(0, 3))
    let shown = begun(endpoint, WORDS.slice(0, 3))
    for (const told of [6, 9]) {
      const from = told - 3
      const second = begun(endpoint, WORDS.slice(from, told))
      const { text, whole, reader } = readOn(goOn(answer, {}), [Buffer.from(second)])
      expect([whole, reader.disagrees]).toEqual([false, false])
      answer.take(Buffer.from(text))
      shown += text
      expect(answer.canGoOn()).toBe(true)
      expect(bodyIn(goOn(answer)).messages.at(-1)).toEqual({
        role: 'assistant',
        content: WORDS.slice(0, told).join(''),
      })
    }
    const continuation = goOn(answer)
    const { text, whole } = readOn(continuation, [rest(endpoint, continuation, TEXT)])
    expect(whole).toBe(true)
    expectOne(endpoint, seenIn(shown + text), TEXT)
    answer.take(Buffer.from(text))
    expect(answer.canGoOn()).toBe(false)
  })

  it.each<readonly [string, Going, readonly string[]]>([
    ['begins again from the start', {}, WORDS],
    ['is asked anew and agrees', { how: 'anew' }, WORDS],
    ['has no way of going on, and agrees', { engine: 'trtllm' }, WORDS],
  ])('is not repeated by one that %s', (_, going, words) => {
    const { text, whole } = readOn(goOn(answered(), going), split(Buffer.from(STREAMS[endpoint](words)), [40]))
    expect(whole).toBe(true)
    expectOne(endpoint, seenIn(begun(endpoint, HALF) + text), TEXT)
    expect(seenIn(text).usages.at(-1)).toMatchObject(
      endpoint === 'messages'
        ? { output_tokens: 20 }
        : { completion_tokens: 20, prompt_tokens: going.engine || going.how ? 100 : 95 },
    )
  })

  it.each<readonly [string, Going, readonly string[]]>([
    ['begins again and says something else', {}, [...WORDS.slice(0, 5), ' always']],
    ['begins again and ends before', {}, WORDS.slice(0, 5)],
    ['was asked anew and says something else', { how: 'anew' }, ['Two']],
    ['was asked anew and ends before', { how: 'anew' }, WORDS.slice(0, 5)],
    ['was asked anew and says nothing', { how: 'anew' }, []],
    ['was asked anew and goes on', { how: 'anew' }, WORDS.slice(7)],
  ])('shows nothing of one that %s', (_, going, words) => {
    const { text, whole, reader } = readOn(goOn(answered(), going), split(Buffer.from(STREAMS[endpoint](words)), [40]))
    expect([text, whole, reader.disagrees]).toEqual(['', false, true])
    // It is metered all the same.
    expect(reader.usage).toMatchObject({ outputTokens: 20 })
    expect(reader.contentBytes).toBe(Buffer.byteLength(words.join('')))
  })

  it('ends as it is when the one that goes on has nothing to add', () => {
    const { text, whole } = readOn(goOn(answered(WORDS)), [Buffer.from(STREAMS[endpoint]([]))])
    expect(whole).toBe(true)
    expectOne(endpoint, seenIn(begun(endpoint, WORDS) + text), TEXT)
  })

  it('is cut when the second one is, without half a frame or what is not yet clear', () => {
    const frames = begun(endpoint, WORDS.slice(7, 9))
    const broken = readOn(goOn(answered()), [Buffer.from(`${frames}data: {"id":`)])
    expect([broken.whole, seenIn(broken.text).text]).toEqual([false, WORDS.slice(7, 9).join('')])
    const unclear = readOn(goOn(answered()), [Buffer.from(begun(endpoint, ['One']))])
    expect([unclear.whole, unclear.text, unclear.reader.disagrees]).toEqual([false, '', false])
  })

  it('shows the comments of the one that goes on once it goes on, and its error', () => {
    const error =
      endpoint === 'messages' ? event('error', { error: { message: 'm' } }) : 'data: {"error":{"message":"m"}}\n\n'
    const frames = begun(endpoint, [' water'])
    const { text, whole, reader } = readOn(goOn(answered()), [Buffer.from(`: a\n\n${frames}: b\n\n${error}`)])
    expect(text.endsWith(`: b\n\n${error}`)).toBe(true)
    expect(text).not.toContain(': a')
    expect([whole, reader.sawError]).toEqual([false, true])
  })

  it('stops at content that broke', () => {
    const { text, whole, reader } = readOn(goOn(answered()), [
      Buffer.from(`${begun(endpoint, [' water'])}data: {"a\n\n${begun(endpoint, [' that'])}`),
    ])
    expect([seenIn(text).text, whole, reader.malformed]).toEqual([' water', false, true])
  })

  const USAGE: Usage = {
    inputTokens: 90,
    cachedInputTokens: 88,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: 7,
    reasoningTokens: 0,
    source: 'estimated',
  }

  it('ends at a limit in the name of the first, with the tokens of both', () => {
    const reader = goOn(answered()).openStream()
    const shown = reader.push(Buffer.from(begun(endpoint, [' water'])))
    const end = reader.endAtLimit(USAGE)
    const joined =
      begun(endpoint, HALF) + Buffer.from(shown!).toString() + latin1(end.beforeComment) + latin1(end.lastEvent)
    const seen = seenIn(joined)
    expect(seen).toMatchObject({ text: `${HALF.join('')} water`, roles: 1, ends: 1 })
    expect(seen.finishes).toEqual([endpoint === 'messages' ? 'max_tokens' : 'length'])
    expect(seen.usages.at(-1)).toMatchObject(
      endpoint === 'messages'
        ? { output_tokens: 12 }
        : { prompt_tokens: 85, completion_tokens: 12, prompt_tokens_details: { cached_tokens: 85 } },
    )
    if (endpoint === 'messages') expect(seen.stops).toEqual([0])
    else expect(seen.names.size).toBe(1)
    expect([end.whole, reader.ended, reader.push(Buffer.from(DONE)), reader.finish()]).toEqual([true, true, null, end])
  })
})

const inChat = (...deltas: readonly object[]) => deltas.map(delta => chunk(delta)).join('')
const FINISH = chunk({}, { finish_reason: 'stop' })

describe('a chat that another upstream goes on with', () => {
  const answered = (over: object = ASKED) => shownAnswer('chat/completions', begun('chat/completions', HALF), over)
  const read = (stream: string, going: Going = {}, over: object = ASKED) =>
    readOn(goOn(answered(over), going), [Buffer.from(stream)])

  it('tells its usage as if one had given all of it, to callers that asked for it', () => {
    const usage = { prompt_tokens: 95, completion_tokens: 25, total_tokens: 120 }
    expect(seenIn(read(chat([' water'])).text).usages).toEqual([usage])
    expect(seenIn(read(chat([' water']), {}, {}).text).usages).toEqual([])
  })

  it('ends in [DONE] though the one that goes on lacks it', () => {
    const { text, whole } = read(chat([' water']).replace(DONE, ''))
    expect([whole, seenIn(text).ends]).toEqual([true, 1])
  })

  it('shows what it held back though the one that goes on told no reason for its end', () => {
    const { text, whole } = read(`${inChat({ content: 'One' })}${DONE}`)
    expect([whole, seenIn(text).text]).toEqual([true, 'One'])
    expect([...seenIn(text).names]).toEqual(['["first",1760000000,"m1","f1"]'])
  })

  it('does not show what the one that goes on thought, and no answer that is nothing else', () => {
    const thought = inChat({ role: 'assistant', reasoning_content: 'hm' }, { reasoning: 'hm', content: '' })
    const { text } = read(`${thought}${inChat({ content: ' water' })}${FINISH}${DONE}`)
    expect([text.includes('hm'), seenIn(text).text]).toEqual([false, ' water'])
    const { text: nothing, whole, reader } = read(`${thought}${FINISH}${DONE}`)
    expect([nothing, whole, reader.disagrees]).toEqual(['', false, true])
  })

  const CALL = { tool_calls: [{ index: 0, id: 'call', type: 'function', function: { name: 'f', arguments: '' } }] }
  const ARGUMENTS = { tool_calls: [{ index: 0, function: { arguments: '{}' } }] }

  it('may go on with a whole call of a tool, behind more text or none', () => {
    const end = `${chunk({}, { finish_reason: 'tool_calls' })}${DONE}`
    for (const said of ['', ' water', 'One']) {
      const { text, whole } = read(inChat({ content: said }, CALL, ARGUMENTS) + end)
      expect([whole, seenIn(text).text, seenIn(text).finishes]).toEqual([true, said, ['tool_calls']])
      expect(text.split('"tool_calls":[').length).toBe(3)
    }
  })

  it('shows no call of a tool by one that does not agree', () => {
    for (const going of [{ how: 'anew' }, {}] as const) {
      const { text, reader } = read(inChat({ content: 'One broken pump must' }, CALL, ARGUMENTS) + FINISH + DONE, going)
      expect([text, reader.disagrees]).toEqual(['', true])
    }
  })

  it('shows one end though the other upstream tells several, and the usage beside the last', () => {
    const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }
    const again = chunk({ role: 'assistant', content: '' }, { finish_reason: 'stop' }, { usage })
    const { text } = read(inChat({ content: ' water' }) + FINISH + again + DONE)
    expect(seenIn(text)).toMatchObject({ finishes: ['stop'], roles: 0, usages: [{ completion_tokens: 25 }] })
  })

  it('reads text in parts, and other choices not at all', () => {
    const parts = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
      { type: 'text', text: ' water' },
    ]
    const { text } = read(inChat({ content: parts }) + chunk({ content: 'x' }, { index: 1 }) + FINISH + DONE)
    expect([seenIn(text).text, text.includes('hm')]).toEqual([' water', false])
  })

  it('is read by the official client as one', async () => {
    const joined = begun('chat/completions', HALF) + read(chat(WORDS.slice(7))).text
    const client = new OpenAI({
      apiKey: 'x',
      baseURL: 'http://x/v1',
      maxRetries: 0,
      fetch: async () => streamed(joined),
    })
    const stream = client.chat.completions.stream({ model: 'm', messages: [] })
    const { id, choices, usage } = await stream.finalChatCompletion()
    expect([id, usage?.total_tokens]).toEqual(['first', 120])
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { role: 'assistant', content: TEXT } })
  })
})

const opened = (index: number, content_block: object) => event('content_block_start', { index, content_block })
const grown = (index: number, delta: object) => event('content_block_delta', { index, delta })
const stopped = (index: number) => event('content_block_stop', { index })
const say = (text: string, index = 0) => grown(index, { type: 'text_delta', text })
const begin = (index: number) => opened(index, { type: 'text', text: '' })
const START = event('message_start', { message: { id: 'm2', usage: { input_tokens: 700, output_tokens: 1 } } })
const END = `${event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { input_tokens: 700, output_tokens: 20 } })}${event('message_stop')}`

describe('a message that another upstream goes on with', () => {
  const frames = begun('messages', HALF)
  const read = (stream: string, going: Going = {}, shown = frames) =>
    readOn(goOn(shownAnswer('messages', shown), going), [Buffer.from(stream)])

  it('has its blocks in one count, with a call of a tool behind the text', () => {
    const tool =
      opened(1, { type: 'tool_use', id: 't', name: 'f', input: {} }) +
      grown(1, { type: 'input_json_delta', partial_json: '{}' }) +
      stopped(1)
    for (const [text, indices] of [
      [begin(0) + say(' water') + stopped(0), [0, 1]],
      ['', [0, 1]],
      [begin(0) + say('One') + stopped(0), [0, 1]],
    ] as const) {
      const { text: told, whole } = read(START + text + tool + END)
      const seen = seenIn(frames + told)
      expect([whole, seen.starts, seen.stops]).toEqual([true, indices, indices])
      expect(seen).toMatchObject({ roles: 1, finishes: ['end_turn'], ends: 1 })
      expect(told).toContain('"index":1,"delta":{"type":"input_json_delta"')
    }
  })

  it('begins a block when none was open', () => {
    const { text } = read(START + begin(0) + say(' water') + stopped(0) + END, {}, frames + stopped(0))
    const seen = seenIn(frames + stopped(0) + text)
    expect([seen.text, seen.starts, seen.stops]).toEqual([`${HALF.join('')} water`, [0, 1], [0, 1]])
  })

  it('ends without a block when none was open and nothing is added', () => {
    const { text, whole } = read(START + END, {}, frames + stopped(0))
    expect([whole, seenIn(text).starts, seenIn(text).stops, seenIn(text).ends]).toEqual([true, [], [], 1])
  })

  it('does not show what was thought, and no answer that is nothing else', () => {
    const thought =
      opened(0, { type: 'thinking', thinking: '' }) + grown(0, { type: 'thinking_delta', thinking: 'hm' }) + stopped(0)
    const { text } = read(START + thought + begin(1) + say(' water', 1) + stopped(1) + END)
    expect([seenIn(text).text, text.includes('hm'), seenIn(frames + text).starts]).toEqual([' water', false, [0]])
    const { text: nothing, reader } = read(START + thought + END)
    expect([nothing, reader.disagrees]).toEqual(['', true])
  })

  it('tells the input as at its start, and the output of both', () => {
    const { text } = read(START + begin(0) + say(' water') + stopped(0) + END)
    expect(seenIn(text).usages).toEqual([{ input_tokens: 100, output_tokens: 25 }])
  })

  it('shows pings once it goes on', () => {
    const ping = event('ping')
    const { text } = read(ping + START + begin(0) + ping + say(' water') + ping + stopped(0) + END)
    expect(text.split('"type":"ping"')).toHaveLength(2)
  })

  it('takes text that a block begins with, and several blocks of text', () => {
    const { text } = read(
      START +
        opened(0, { type: 'text', text: ' wa' }) +
        say('ter') +
        stopped(0) +
        begin(1) +
        say('!', 1) +
        stopped(1) +
        END,
    )
    const seen = seenIn(frames + text)
    expect([seen.text, seen.starts, seen.stops]).toEqual([`${HALF.join('')} water!`, [0, 1], [0, 1]])
  })

  it('is read by the official client as one', async () => {
    const start = event('message_start', {
      message: {
        id: 'm1',
        type: 'message',
        role: 'assistant',
        model: 'm',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: 9, output_tokens: 1 },
      },
    })
    const shown = start + begin(0) + HALF.map(word => say(word)).join('')
    const joined = shown + read(messages(WORDS.slice(7)), {}, shown).text
    const client = new Anthropic({
      apiKey: 'x',
      baseURL: 'http://x',
      maxRetries: 0,
      fetch: async () => streamed(joined),
    })
    const stream = client.messages.stream({ model: 'm', max_tokens: 9, messages: [] })
    expect(await stream.finalMessage()).toMatchObject({
      id: 'm1',
      content: [{ type: 'text', text: TEXT }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 9, output_tokens: 25 },
    })
  })
})

function streamed(text: string): Response {
  return new Response(text, { headers: { 'content-type': 'text/event-stream' } })
}
