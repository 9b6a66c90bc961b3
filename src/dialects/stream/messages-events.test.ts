import { describe, expect, it } from 'vitest'
import { event, MESSAGE_STOP, messages, read } from './streams.fixture.ts'

const once = (text: string) => [Buffer.from(text)]

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

  it('keeps no more counts than there are, however many an upstream invents', () => {
    const usage = (i: number) => ({
      output_tokens: i,
      ...Object.fromEntries(Array.from({ length: 50 }, (_, j) => [`x${i}_${j}`, j])),
    })
    const start = event('message_start', { message: { usage: { input_tokens: 9, output_tokens: 1 } } })
    const deltas = Array.from({ length: 9 }, (_, i) => event('message_delta', { delta: {}, usage: usage(i) }))
    const { reader } = read('messages', once(start + deltas.join('')))
    expect(reader.usage).toMatchObject({ inputTokens: 9, outputTokens: 8 })
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
