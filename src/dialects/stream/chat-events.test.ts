import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CHAT_USAGE, chat, chunk, DONE, read, split, USAGE_CHUNK } from './streams.fixture.ts'

const ASKED = { stream_options: { include_usage: true } }
const once = (text: string) => [Buffer.from(text)]

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
