import { describe, expect, it } from 'vitest'
import { bodyOf, chat, chunk, event, messages } from '../stream/streams.fixture.ts'
import { wireOf } from '../wire.ts'
import { deploymentOf, MESSAGES, shownAnswer } from './joined.fixture.ts'
import { MAX_TEXT_CHARACTERS } from './shown.ts'

const follows = (endpoint: Parameters<typeof wireOf>[0], over: object) =>
  wireOf(endpoint).follow(bodyOf(endpoint, { messages: MESSAGES, ...over })) !== null

describe('an answer is followed', () => {
  it.each<readonly [Parameters<typeof wireOf>[0], object]>([
    ['chat/completions', {}],
    [
      'chat/completions',
      { n: 1, response_format: { type: 'text' }, logprobs: false, top_logprobs: 0, tool_choice: 'auto' },
    ],
    ['chat/completions', { response_format: null, guided_json: null, grammar: '', audio: null, modalities: ['text'] }],
    ['chat/completions', { tools: [{ type: 'function', function: { name: 'f' } }] }],
    ['messages', { max_tokens: 9 }],
    ['messages', { tool_choice: { type: 'auto' }, output_config: { effort: 'low' }, tools: [] }],
  ])('of %s with %j', (endpoint, over) => {
    expect(follows(endpoint, over)).toBe(true)
  })

  it.each<readonly [Parameters<typeof wireOf>[0], object]>([
    ['chat/completions', { stream: false }],
    ['chat/completions', { n: 2 }],
    ['chat/completions', { messages: 'none' }],
    ['chat/completions', { response_format: { type: 'json_object' } }],
    ['chat/completions', { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } } }],
    ['chat/completions', { guided_json: {} }],
    ['chat/completions', { guided_regex: 'a+' }],
    ['chat/completions', { guided_choice: ['a'] }],
    ['chat/completions', { structured_outputs: { json: {} } }],
    ['chat/completions', { grammar: 'root ::= "a"' }],
    ['chat/completions', { regex: 'a' }],
    ['chat/completions', { logprobs: true }],
    ['chat/completions', { top_logprobs: 3 }],
    ['chat/completions', { audio: { voice: 'v' } }],
    ['chat/completions', { modalities: ['text', 'audio'] }],
    ['chat/completions', { tool_choice: 'required' }],
    ['chat/completions', { tool_choice: { type: 'function', function: { name: 'f' } } }],
    ['chat/completions', { function_call: { name: 'f' } }],
    ['messages', { tool_choice: { type: 'any' } }],
    ['messages', { tool_choice: { type: 'tool', name: 'f' } }],
    ['messages', { output_config: { format: { type: 'json_schema' } } }],
    ['messages', { output_format: { type: 'json_schema' } }],
    ['responses', { input: 'x' }],
    ['embeddings', { input: 'x' }],
  ])('never of %s with %j', (endpoint, over) => {
    expect(follows(endpoint, over)).toBe(false)
  })
})

const start = event('message_start', { message: { id: 'm1', usage: { input_tokens: 9, output_tokens: 1 } } })
const opened = (index: number, content_block: object) => event('content_block_start', { index, content_block })
const grown = (index: number, delta: object) => event('content_block_delta', { index, delta })
const text = (said: string, index = 0) => grown(index, { type: 'text_delta', text: said })
const TEXT = opened(0, { type: 'text', text: '' })
const inChat = (...deltas: readonly object[]) => deltas.map(delta => chunk(delta)).join('')
const CALL = { index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '' } }

describe('somebody can go on', () => {
  it.each<readonly [string, 'chat/completions' | 'messages', string]>([
    ['in the midst of a text', 'chat/completions', inChat({ role: 'assistant', content: '' }, { content: 'Hi' })],
    [
      'with text that reasoning came before',
      'chat/completions',
      inChat({ reasoning_content: 'hm' }, { content: 'Hi' }),
    ],
    ['with text in parts', 'chat/completions', inChat({ content: [{ type: 'text', text: 'Hi' }] })],
    ['with members that say nothing', 'chat/completions', inChat({ content: 'Hi', refusal: null, tool_calls: [] })],
    ['in the midst of a message', 'messages', start + TEXT + text('Hi')],
    ['between two blocks of text', 'messages', start + TEXT + text('Hi') + event('content_block_stop', { index: 0 })],
    ['with a block that begins with text', 'messages', start + opened(0, { type: 'text', text: 'Hi' })],
  ])('%s', (_, endpoint, frames) => {
    expect(shownAnswer(endpoint, frames).canGoOn()).toBe(true)
    // However it was taken.
    const answer = shownAnswer(endpoint, '')
    for (const frame of frames.split(/(?<=\n\n)/)) answer.take(Buffer.from(frame))
    expect(answer.canGoOn()).toBe(true)
  })

  it.each<readonly [string, 'chat/completions' | 'messages', string]>([
    ['before there was text', 'chat/completions', inChat({ role: 'assistant', content: '' })],
    ['in the midst of reasoning', 'chat/completions', inChat({ reasoning: 'hm' })],
    ['in reasoning behind text', 'chat/completions', inChat({ content: 'Hi' }, { reasoning_content: 'hm' })],
    ['in reasoning in parts', 'chat/completions', inChat({ content: [{ type: 'thinking', thinking: [] }] })],
    ['in the midst of a tool call', 'chat/completions', inChat({ content: 'Hi' }, { tool_calls: [CALL] })],
    ['in a call of a function', 'chat/completions', inChat({ content: 'Hi' }, { function_call: { name: 'f' } })],
    ['in a refusal', 'chat/completions', inChat({ content: 'Hi' }, { refusal: 'No' })],
    ['in a sound', 'chat/completions', inChat({ content: 'Hi' }, { audio: { data: 'AAAA' } })],
    ['of two choices', 'chat/completions', inChat({ content: 'Hi' }) + chunk({ content: 'Ho' }, { index: 1 })],
    ['when it had told why it ended', 'chat/completions', chat(['Hi'])],
    ['before there was text in a message', 'messages', start + TEXT],
    [
      'with thinking before the text',
      'messages',
      start + opened(0, { type: 'thinking', thinking: '' }) + TEXT + text('Hi'),
    ],
    ['in a tool call of a message', 'messages', start + TEXT + text('Hi') + opened(1, { type: 'tool_use', name: 'f' })],
    ['with citations', 'messages', start + TEXT + text('Hi') + grown(0, { type: 'citations_delta', citation: {} })],
    ['when a message had told why it ended', 'messages', messages(['Hi'])],
    ['with nothing shown', 'messages', ''],
  ])('never %s', (_, endpoint, frames) => {
    const answer = shownAnswer(endpoint, frames)
    expect(answer.canGoOn()).toBe(false)
    expect(() => answer.goOn('prefill', deploymentOf(), 1)).toThrow('nobody can go on')
    // Nor ever again.
    if (frames.includes('Hi')) {
      answer.take(Buffer.from(endpoint === 'messages' ? text(' there') : ''))
      expect(answer.canGoOn()).toBe(false)
    }
  })

  it('with a text of megabytes, but not beyond a bound', () => {
    const answer = shownAnswer('chat/completions', '')
    const megabyte = Buffer.from(chunk({ content: 'x'.repeat(MAX_TEXT_CHARACTERS / 4) }))
    for (let i = 0; i < 4; i++) {
      answer.take(megabyte)
      expect(answer.canGoOn()).toBe(true)
    }
    answer.take(Buffer.from(chunk({ content: 'x' })))
    expect(answer.canGoOn()).toBe(false)
  })
})
