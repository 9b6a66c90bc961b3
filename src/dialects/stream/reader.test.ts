import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wireOf } from '../wire.ts'
import { MAX_FRAME_BYTES } from './reader.ts'
import {
  bodyOf,
  CHAT_USAGE,
  chat,
  chunk,
  DONE,
  event,
  latin1,
  MESSAGE_STOP,
  messages,
  read,
  responses,
  STREAMS,
  split,
  USAGE_CHUNK,
} from './streams.fixture.ts'

const ASKED = { stream_options: { include_usage: true } }
const ENDPOINTS = ['chat/completions', 'messages', 'responses'] as const
const once = (text: string) => [Buffer.from(text)]

describe.each(ENDPOINTS)('a stream of %s', endpoint => {
  const words = ['Hel', 'lo', ' "wor\\ld"\n', ' é漢😀\u0007', ' ', 'x'.repeat(3_000), '.']
  const text = STREAMS[endpoint](words)

  it('is shown byte for byte, its last event at the end', () => {
    const { shown, before, last, whole, reader } = read(endpoint, once(text), ASKED)
    expect(shown + before + last).toBe(Buffer.from(text).toString('latin1'))
    expect(before).toBe('')
    expect(last.trimEnd().split('\n\n')).toHaveLength(1)
    expect(whole).toBe(true)
    expect([reader.ended, reader.sawContent, reader.sawError, reader.usageFinal]).toEqual([true, true, false, true])
    expect(reader.usage).toMatchObject({ inputTokens: 100, outputTokens: 20, source: 'reported' })
    expect(reader.contentBytes).toBe(Buffer.byteLength(words.join('')))
  })

  it('is the same however its bytes are split, whatever ends its lines', () => {
    const word = fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.string({ maxLength: 300, minLength: 200 }))
    const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 600 })), {
      minLength: 1,
    })
    const ends = fc.constantFrom('\n', '\r\n', '\r')
    const between = fc.constantFrom(
      '',
      ': keep-alive\n\n',
      ':\n\nid: 7\nretry: 100\nevent:ping\ndata:{"type":"ping"}\n\n',
    )
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 12 }),
        lengths,
        ends,
        between,
        fc.boolean(),
        (told, cuts, end, noise, tight) => {
          const spelled = noise + STREAMS[endpoint](told).replaceAll('data: ', tight ? 'data:' : 'data: ')
          const bytes = Buffer.from(spelled.replaceAll('\n', end))
          const { shown, before, last, whole, reader } = read(endpoint, split(bytes, cuts), ASKED)
          expect(shown + before + last).toBe(bytes.toString('latin1'))
          expect([before, whole, reader.ended]).toEqual(['', true, true])
          expect(reader.usage).toMatchObject({ inputTokens: 100, outputTokens: 20 })
          expect(reader.contentBytes).toBe(Buffer.byteLength(told.join('')))
          expect(reader.sawContent).toBe(told.join('') !== '')
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('never shows half a frame, and shows every whole one at once', () => {
    const frames = text.split(/(?<=\n\n)/)
    const reader = wireOf(endpoint).openStream(bodyOf(endpoint, ASKED))
    for (const frame of frames.slice(0, -1)) {
      const bytes = Buffer.from(frame)
      expect(reader.push(bytes.subarray(0, -1))).toBeNull()
      expect(latin1(reader.push(bytes.subarray(-1)))).toBe(bytes.toString('latin1'))
    }
    expect(reader.push(Buffer.from(frames.at(-1)!))).toBeNull()
  })

  it('passes on the very object that came when all of it may be shown', () => {
    const frames = text.split(/(?<=\n\n)/)
    const reader = wireOf(endpoint).openStream(bodyOf(endpoint, ASKED))
    const chunks = [frames.slice(0, 3), frames.slice(3, 4), frames.slice(4, 9)].map(some => Buffer.from(some.join('')))
    for (const bytes of chunks) expect(reader.push(bytes)).toBe(bytes)
  })

  it('shows nothing after its last event', () => {
    const { shown, last } = read(endpoint, split(Buffer.from(`${text}${text}: late\n\n`), [1_000]), ASKED)
    expect(shown + last).toBe(Buffer.from(text).toString('latin1'))
  })

  it('is not whole when it is cut, and what was cut off is not shown', () => {
    const bytes = Buffer.from(STREAMS[endpoint](['one', ' two']))
    const frames = bytes.toString().split(/(?<=\n\n)/)
    for (let length = 0; length < bytes.length - frames.at(-1)!.length; length += 3) {
      const { shown, before, last, reader } = read(endpoint, [bytes.subarray(0, length)], ASKED)
      const seen = shown + before
      // A frame that lacks nothing but the blank line at its end is completed.
      expect(bytes.toString().startsWith(seen) || bytes.toString().startsWith(seen.trimEnd())).toBe(true)
      expect(seen === '' || seen.endsWith('\n\n')).toBe(true)
      expect([last, reader.sawError]).toEqual(['', false])
    }
    expect(read(endpoint, [bytes.subarray(0, bytes.indexOf(' two'))]).whole).toBe(false)
  })

  it('survives any bytes and any split of them', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom(
          'data: ',
          'event: error\n',
          '\n',
          '\r',
          '\n\n',
          '{"choices":[',
          '{"type":',
          '"delta"',
          '[DONE]',
          ': ',
          'null',
          text,
        )
        .map(part => Uint8Array.from(Buffer.from(part))),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 50 }), (pieces, size) => {
        const bytes = Buffer.concat(pieces)
        const cut = read(endpoint, split(bytes, [size]))
        const uncut = read(endpoint, [bytes])
        expect(cut.shown + cut.before + cut.last).toBe(uncut.shown + uncut.before + uncut.last)
        expect([cut.whole, cut.reader.contentBytes, cut.reader.sawContent]).toEqual([
          uncut.whole,
          uncut.reader.contentBytes,
          uncut.reader.sawContent,
        ])
      }),
      { numRuns: 1_000 },
    )
  })

  it('drops frames that no client could read', () => {
    const frames = text.split(/(?<=\n\n)/)
    const garbage = [
      'data: {"id":"c1","choices":[{"delta":{"content": \n\n',
      'data: hello\n\n',
      'data:\n\n',
      'data: null\n\n',
    ]
    const bytes = Buffer.from(frames.toSpliced(4, 0, ...garbage).join(''))
    const { shown, last, whole, reader } = read(endpoint, split(bytes, [11, 200]), ASKED)
    expect(shown + last).toBe(Buffer.from(text).toString('latin1'))
    expect([whole, reader.unreadableFrames]).toEqual([true, 4])
  })
})

describe('a frame', () => {
  it('may be as large as 300 kB and come in any pieces', () => {
    const text = chat(['ab'.repeat(150_000), ' end'])
    const { shown, last, reader } = read('chat/completions', split(Buffer.from(text), [50_000, 1, 700]), ASKED)
    expect(shown + last).toBe(text)
    expect(reader.contentBytes).toBe(300_004)
  })

  it('is not waited for beyond a bound', () => {
    const reader = wireOf('chat/completions').openStream(bodyOf('chat/completions'))
    const frame = Buffer.from(chunk({ content: 'Hello' }))
    expect(reader.push(frame)).toBe(frame)
    const megabyte = Buffer.alloc(1_000_000, 'x')
    for (let bytes = 0; bytes <= MAX_FRAME_BYTES; bytes += megabyte.length) expect(reader.push(megabyte)).toBeNull()
    expect([reader.ended, reader.sawError]).toEqual([true, true])
    expect(reader.push(Buffer.from(DONE))).toBeNull()
    expect(reader.finish()).toEqual({ whole: false, beforeComment: null, lastEvent: null })
  })

  it('may have its data in several lines and a byte order mark before it', () => {
    const text = `\ufeffdata: {"choices":[{"delta":\ndata: {"content":"Hi"}}]}\n\n${DONE}`
    const { shown, last, reader } = read('chat/completions', once(text))
    expect(shown + last).toBe(Buffer.from(text).toString('latin1'))
    expect([reader.contentBytes, reader.sawContent]).toEqual([2, true])
  })

  it('that lacks only its blank line when the stream ends is completed', () => {
    const { before, whole } = read(
      'chat/completions',
      once(chunk({ content: 'Hi' }, { finish_reason: 'stop' }).trimEnd()),
    )
    expect([before, whole]).toEqual([chunk({ content: 'Hi' }, { finish_reason: 'stop' }), true])
    const done = read('chat/completions', once(`${chunk({ content: 'Hi' })}data: [DONE]\n`))
    expect([done.last, done.whole]).toEqual([DONE, true])
  })

  it('cannot smuggle another one in by a raw line end in its content', () => {
    const good = chunk({ content: 'aaaa' })
    const bad = good.replace('aaaa', 'x\n\ndata: [DONE]\n\n')
    const { last, reader } = read('chat/completions', once(good + good + bad + chat(['z'])))
    expect([last, reader.unreadableFrames]).toEqual([DONE, 1])
  })

  it('is read anew when it only looks like those before', () => {
    const good = chunk({ content: 'aaaa' })
    const odd = [good.replace('aaaa', '\\q'), good.replace('aaaa', '\\u12g4'), good.replace('"}', '"}}')]
    const finish = chunk({ content: 'b' }, { finish_reason: 'stop' })
    const { shown, whole, reader } = read('chat/completions', once(good + good + odd.join('') + good + finish))
    expect(shown).toBe(good + good + good + finish)
    expect([whole, reader.unreadableFrames, reader.contentBytes]).toEqual([true, 3, 13])
  })
})

describe('a streamed chat', () => {
  it('shows the chunk of usage only to those who asked, and counts it for all', () => {
    const text = chat(['Hi'])
    for (const [over, shows] of [
      [{}, false],
      [{ stream_options: { include_usage: false } }, false],
      [ASKED, true],
    ] as const) {
      const { shown, reader } = read('chat/completions', split(Buffer.from(text), [60]), over)
      expect(shown.includes('"usage"')).toBe(shows)
      expect(shown).toBe(shows ? text.replace(DONE, '') : text.replace(USAGE_CHUNK, '').replace(DONE, ''))
      expect(reader.usage).toMatchObject({ inputTokens: 100, outputTokens: 20 })
    }
  })

  it('keeps usage that comes with content, and its empty mentions', () => {
    const frames = [
      chunk({ content: 'Hi' }, {}, { usage: null }),
      chunk({ content: ' you' }, {}, { usage: null }),
      chunk({}, { finish_reason: 'stop' }, { usage: CHAT_USAGE }),
      `data: ${JSON.stringify({ choices: [], prompt_filter_results: [] })}\n\n`,
    ]
    const { shown, reader } = read('chat/completions', once(frames.join('') + DONE))
    expect(shown).toBe(frames.join(''))
    expect(reader.usage).toMatchObject({ inputTokens: 100, outputTokens: 20 })
  })

  it('reports usage that is not final yet as such', () => {
    const running = (completion_tokens: number) =>
      chunk({ content: 'x' }, {}, { usage: { ...CHAT_USAGE, completion_tokens } })
    const { reader, whole } = read('chat/completions', once(running(1) + running(2)))
    expect([reader.usage?.outputTokens, reader.usageFinal, whole]).toEqual([2, false, false])
  })

  it('is whole without [DONE] once every choice has finished', () => {
    const finished = (index: number) => chunk({}, { index, finish_reason: 'stop' })
    const begun = chunk({ content: 'a' }) + chunk({ content: 'b' }, { index: 1 })
    expect(read('chat/completions', once(begun + finished(0) + finished(1))).whole).toBe(true)
    expect(read('chat/completions', once(begun + finished(0))).whole).toBe(false)
    expect(read('chat/completions', once(chunk({ content: 'a' }))).whole).toBe(false)
    expect(read('chat/completions', once(chunk({ content: 'a' }) + DONE)).whole).toBe(true)
  })

  it.each([
    ['a role', { role: 'assistant' }, false, 0],
    ['an empty text', { role: 'assistant', content: '' }, false, 0],
    ['null', { content: null, tool_calls: null, reasoning: null }, false, 0],
    ['text', { content: 'Hi' }, true, 2],
    ['reasoning', { reasoning_content: 'Hmm' }, true, 3],
    ['reasoning under two names', { reasoning_content: 'Hmm', reasoning: 'Hmm' }, true, 3],
    ['a refusal', { refusal: 'No' }, true, 2],
    ['the name of a tool', { tool_calls: [{ index: 0, id: 'c', function: { name: 'ls', arguments: '' } }] }, true, 2],
    ['arguments of a tool', { tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] }, true, 4],
    ['sound', { audio: { data: 'AAAA' } }, true, 0],
    [
      'parts',
      {
        content: [
          { type: 'thinking', thinking: [{ text: 'ab' }] },
          { type: 'text', text: 'c' },
        ],
      },
      true,
      3,
    ],
  ])('tells content from what is none: %s', (_, delta, sawContent, bytes) => {
    const { reader } = read('chat/completions', once(chunk(delta)))
    expect([reader.sawContent, reader.contentBytes]).toEqual([sawContent, bytes])
  })

  it('measures content exactly in frames of any kind, mixed', () => {
    const deltas = [
      { reasoning: 'thinking, ' },
      { reasoning_content: 'twice\n', reasoning: 'twice\n' },
      { content: 'ω漢😀 "q" \\ \u0001' },
      { tool_calls: [{ index: 0, function: { arguments: '{"a":"b"}' } }] },
    ]
    const sizes = [10, 6, Buffer.byteLength('ω漢😀 "q" \\ \u0001'), 9]
    const ascii = (frame: string) =>
      frame.replace(/[\u0080-\uffff]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    const events = (i: number) => ({ created: i, obfuscation: 'x'.repeat(i % 7) })
    const logprobs = (i: number) => ({ content: [{ token: '"', logprob: -i / 7, bytes: [i], top_logprobs: [] }] })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 60 }),
        fc.integer({ min: 1, max: 2_000 }),
        (picks, size) => {
          let expected = 0
          const frames = picks.map(([kind, form], i) => {
            expected += sizes[kind]!
            const frame = chunk(deltas[kind]!, form === 1 ? { logprobs: logprobs(i) } : {}, form === 2 ? events(i) : {})
            return form === 3 ? ascii(frame) : frame
          })
          const { shown, reader } = read('chat/completions', split(Buffer.from(frames.join('')), [size]))
          expect(shown).toBe(Buffer.from(frames.join('')).toString('latin1'))
          expect(reader.contentBytes).toBe(expected)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('ends with an error of the upstream, in its words', () => {
    const error = 'data: {"error":{"message":"boom","type":"server_error"}}\n\n'
    const { shown, last, whole, reader } = read('chat/completions', once(chunk({ content: 'a' }) + error + DONE))
    expect([shown, last, whole]).toEqual([chunk({ content: 'a' }), error, false])
    expect([reader.sawError, reader.ended]).toEqual([true, true])
    expect(read('chat/completions', once('event: error\ndata: {"message":"x"}\n\n')).reader.sawError).toBe(true)
    expect(read('chat/completions', once(chunk({ content: 'a' }, {}, { error: null }))).reader.sawError).toBe(false)
  })

  it('names the service tier that it reports beside its usage', () => {
    const frames = chunk({ content: 'a' }, {}, { service_tier: 'priority' }) + USAGE_CHUNK + DONE
    expect(read('chat/completions', once(frames)).reader.usage?.special).toEqual({ serviceTier: 'priority' })
  })
})

describe('a streamed message', () => {
  it('takes input from its start and output from the last delta', () => {
    const usage = {
      input_tokens: 30,
      cache_read_input_tokens: 4000,
      cache_creation_input_tokens: 500,
      output_tokens: 1,
    }
    const lifetimes = { cache_creation: { ephemeral_5m_input_tokens: 300, ephemeral_1h_input_tokens: 200 } }
    const start = event('message_start', { message: { usage: { ...usage, ...lifetimes } } })
    const delta = (output_tokens: number, over = {}) =>
      event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens, ...over } })
    const expected = {
      inputTokens: 4530,
      cachedInputTokens: 4000,
      cacheWrite5mTokens: 300,
      cacheWrite1hTokens: 200,
      outputTokens: 77,
    }
    for (const deltas of [delta(77), delta(40) + delta(77), delta(77, { ...usage, output_tokens: 77 })]) {
      const { reader } = read('messages', once(start + deltas + MESSAGE_STOP))
      expect(reader.usage).toMatchObject(expected)
      expect(reader.usageFinal).toBe(true)
    }
    const begun = read('messages', once(start)).reader
    expect([begun.usage?.inputTokens, begun.usage?.outputTokens, begun.usageFinal]).toEqual([4530, 1, false])
  })

  it('has no usage when none is told', () => {
    const text = messages(['Hi']).replace(/"usage":\{[^}]*\}/g, '"usage":null')
    expect(read('messages', once(text)).reader.usage).toBeNull()
  })

  it.each([
    ['a start of text', 'content_block_start', { content_block: { type: 'text', text: '' } }, false, 0],
    [
      'a call of a tool',
      'content_block_start',
      { content_block: { type: 'tool_use', name: 'ls', input: {} } },
      true,
      2,
    ],
    ['hidden thinking', 'content_block_start', { content_block: { type: 'redacted_thinking', data: 'abcd' } }, true, 4],
    [
      'a tool’s result',
      'content_block_start',
      { content_block: { type: 'web_search_tool_result', content: [] } },
      false,
      0,
    ],
    ['text', 'content_block_delta', { delta: { type: 'text_delta', text: 'Hi' } }, true, 2],
    ['no text', 'content_block_delta', { delta: { type: 'text_delta', text: '' } }, false, 0],
    ['thinking', 'content_block_delta', { delta: { type: 'thinking_delta', thinking: 'Hmm' } }, true, 3],
    ['input', 'content_block_delta', { delta: { type: 'input_json_delta', partial_json: '{"a' } }, true, 3],
    ['a signature', 'content_block_delta', { delta: { type: 'signature_delta', signature: 'EqQ' } }, false, 0],
    ['a ping', 'ping', {}, false, 0],
  ])('tells content from what is none: %s', (_, type, data, sawContent, bytes) => {
    const { reader } = read('messages', once(event(type, data)))
    expect([reader.sawContent, reader.contentBytes]).toEqual([sawContent, bytes])
  })

  it('ends with an error of the upstream, in its words', () => {
    const error = event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })
    const { last, whole, reader } = read('messages', once(messages(['a']).replace(MESSAGE_STOP, error)))
    expect([last, whole, reader.sawError]).toEqual([error, false, true])
  })
})

describe('a streamed response', () => {
  it.each(['completed', 'incomplete', 'failed'])('ends with response.%s', end => {
    const { last, whole, reader } = read('responses', once(responses(['a', 'b'], end)))
    expect(last).toContain(`"type":"response.${end}"`)
    expect([whole, reader.sawError]).toEqual([end !== 'failed', end === 'failed'])
    expect(reader.usage).toMatchObject({ inputTokens: 100, outputTokens: 20 })
  })

  it.each([
    ['text', 'response.output_text.delta', { delta: 'Hi' }, true, 2],
    ['no text', 'response.output_text.delta', { delta: '' }, false, 0],
    ['reasoning', 'response.reasoning_summary_text.delta', { delta: 'Hmm' }, true, 3],
    ['arguments', 'response.function_call_arguments.delta', { delta: '{"a' }, true, 3],
    ['sound', 'response.audio.delta', { delta: 'AAAA' }, true, 0],
    ['a call', 'response.output_item.added', { item: { type: 'function_call', name: 'ls', arguments: '' } }, true, 2],
    ['a message', 'response.output_item.added', { item: { type: 'message', content: [] } }, false, 0],
    ['text told only whole', 'response.output_text.done', { text: 'Hi' }, true, 2],
    ['a beginning', 'response.in_progress', { response: { output: [] } }, false, 0],
  ])('tells content from what is none: %s', (_, type, data, sawContent, bytes) => {
    const { reader } = read('responses', once(event(type, data)))
    expect([reader.sawContent, reader.contentBytes]).toEqual([sawContent, bytes])
  })

  it('ends with an error of the upstream, in its words', () => {
    const error = event('error', { code: 'server_error', message: 'boom', param: null })
    const { last, whole, reader } = read('responses', once(error))
    expect([last, whole, reader.sawError]).toEqual([error, false, true])
  })
})
