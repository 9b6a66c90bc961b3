import Anthropic, { APIError as AnthropicError } from '@anthropic-ai/sdk'
import OpenAI, { APIError as OpenAIError } from 'openai'
import { describe, expect, it } from 'vitest'
import type { Endpoint } from '../vocabulary/dialect.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import type { Usage } from '../vocabulary/usage.ts'
import { renderRefusal, wireOf } from './index.ts'
import { bodyOf, chat, chunk, event, messages, responses } from './stream/streams.fixture.ts'

const REFUSAL: Refusal = { cause: 'upstreamFailed', message: 'it broke' }
const WORDS = ['Hello', ' you', '!']

/** A `fetch` that answers with these bytes, whatever it is asked. */
function answering(
  body: string | Buffer,
  status = 200,
  headers: readonly string[] = ['content-type', 'text/event-stream'],
) {
  const pairs = Array.from({ length: headers.length / 2 }, (_, i): [string, string] => [
    headers[2 * i]!,
    headers[2 * i + 1]!,
  ])
  return async () => new Response(new Uint8Array(Buffer.from(body)), { status, headers: pairs })
}

/** The stream as a caller sees it: with its closing comment, and an error in place of its last event when it broke. */
function closed(endpoint: Endpoint, stream: string, broken: boolean): string {
  const wire = wireOf(endpoint)
  const frames = stream.split(/(?<=\n\n)/)
  const comment = Buffer.from(wire.closingComment({ id: 'pen_1', dollars: '0.1' })).toString()
  const last = broken ? Buffer.from(wire.streamError(REFUSAL, 'pen_1')).toString() : frames.at(-1)
  return frames.slice(0, -1).join('') + comment + last
}

const openai = (fetch: () => Promise<Response>) =>
  new OpenAI({ apiKey: 'x', baseURL: 'http://x/v1', maxRetries: 0, fetch })
const anthropic = (fetch: () => Promise<Response>) =>
  new Anthropic({ apiKey: 'x', baseURL: 'http://x', maxRetries: 0, fetch })

async function chatText(fetch: () => Promise<Response>): Promise<string> {
  let text = ''
  const stream = await openai(fetch).chat.completions.create({ model: 'm', stream: true, messages: [] })
  for await (const part of stream) text += part.choices[0]?.delta.content ?? ''
  return text
}

async function responseText(fetch: () => Promise<Response>): Promise<string> {
  let text = ''
  const stream = await openai(fetch).responses.create({ model: 'm', stream: true, input: 'x' })
  for await (const part of stream) if (part.type === 'response.output_text.delta') text += part.delta
  return text
}

async function messageText(fetch: () => Promise<Response>): Promise<string> {
  let text = ''
  const stream = await anthropic(fetch).messages.create({ model: 'm', max_tokens: 9, stream: true, messages: [] })
  for await (const part of stream) {
    if (part.type === 'content_block_delta' && part.delta.type === 'text_delta') text += part.delta.text
  }
  return text
}

const CASES = [
  { endpoint: 'chat/completions', stream: chat(WORDS), textOf: chatText, error: OpenAIError },
  { endpoint: 'responses', stream: responses(WORDS), textOf: responseText, error: OpenAIError },
  { endpoint: 'messages', stream: messages(WORDS), textOf: messageText, error: AnthropicError },
] as const

describe.each(CASES)('the official client, reading a stream of $endpoint', ({ endpoint, stream, textOf, error }) => {
  it('does not see the closing comment', async () => {
    expect(await textOf(answering(closed(endpoint, stream, false)))).toBe(WORDS.join(''))
  })

  it('throws at the error that ends a broken one', async () => {
    const reading = textOf(answering(closed(endpoint, stream, true)))
    await expect(reading).rejects.toThrow(error)
    await expect(reading).rejects.toThrow('it broke')
  })
})

describe('the official client, refused', () => {
  it('throws what the status means, with our sentence', async () => {
    const { status, headers, body } = renderRefusal('openai', { cause: 'invalidKey', message: 'no such key' }, null)
    await expect(chatText(answering(body, status, headers))).rejects.toThrow(OpenAI.AuthenticationError)
    await expect(chatText(answering(body, status, headers))).rejects.toThrow('no such key')
    const other = renderRefusal('anthropic', { cause: 'modelNotFound', message: 'no such model' }, 'pen_1')
    await expect(messageText(answering(other.body, other.status, other.headers))).rejects.toThrow(
      Anthropic.NotFoundError,
    )
  })
})

const USAGE: Usage = {
  inputTokens: 9,
  cachedInputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 7,
  reasoningTokens: 0,
  source: 'estimated',
}

/** A stream as a caller sees it whose call a limit ended behind these frames, in the middle of the next one. */
function limited(endpoint: Endpoint, frames: readonly string[]) {
  const wire = wireOf(endpoint)
  const reader = wire.openStream(bodyOf(endpoint, { stream_options: { include_usage: true } }))
  const shown = reader.push(Buffer.from(`${frames.join('')}data: {"type":"`))
  const { beforeComment, lastEvent } = reader.endAtLimit(USAGE)
  const comment = wire.closingComment({ id: 'pen_1', dollars: '0.1', limited: true })
  return answering(Buffer.concat([shown!, beforeComment ?? Buffer.alloc(0), comment, lastEvent!]))
}

const CALL = { index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '' } }
const ARGUMENTS = ['{"city', '":"Ber', 'li']

describe('the official client, reading a stream that a limit ended', () => {
  it('takes a chat for one that reached its length', async () => {
    const frames = [chunk({ role: 'assistant', content: '' }), ...WORDS.map(content => chunk({ content }))]
    const stream = openai(limited('chat/completions', frames)).chat.completions.stream({ model: 'm', messages: [] })
    const { choices, usage } = await stream.finalChatCompletion()
    expect(choices[0]).toMatchObject({ finish_reason: 'length', message: { content: WORDS.join('') } })
    expect(usage).toMatchObject({ completion_tokens: 7, total_tokens: 16 })
  })

  it('takes a chat whose tool call was open for one that reached its length', async () => {
    const parts = ARGUMENTS.map(part => chunk({ tool_calls: [{ index: 0, function: { arguments: part } }] }))
    const frames = [chunk({ role: 'assistant', tool_calls: [CALL] }), ...parts]
    const tools: OpenAI.ChatCompletionTool[] = [{ type: 'function', function: { name: 'weather' } }]
    const fetch = limited('chat/completions', frames)
    const stream = openai(fetch).chat.completions.stream({ model: 'm', messages: [], tools })
    const [choice] = (await stream.finalChatCompletion()).choices
    expect(choice).toMatchObject({
      finish_reason: 'length',
      message: { tool_calls: [{ function: { name: 'weather', arguments: ARGUMENTS.join('') } }] },
    })
  })

  const START = {
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
  }
  const opened = (index: number, content_block: object) => event('content_block_start', { index, content_block })
  const grown = (index: number, delta: object) => event('content_block_delta', { index, delta })

  it('takes a message for one that reached its maximum', async () => {
    const texts = WORDS.map(text => grown(0, { type: 'text_delta', text }))
    const frames = [event('message_start', START), opened(0, { type: 'text', text: '' }), ...texts]
    const stream = anthropic(limited('messages', frames)).messages.stream({ model: 'm', max_tokens: 9, messages: [] })
    const { content, stop_reason, usage } = await stream.finalMessage()
    expect([content[0], stop_reason]).toEqual([{ type: 'text', text: WORDS.join('') }, 'max_tokens'])
    expect(usage).toMatchObject({ input_tokens: 9, output_tokens: 7 })
  })

  it('takes a message whose tool call was open for one that reached its maximum', async () => {
    const parts = ARGUMENTS.map(partial_json => grown(1, { type: 'input_json_delta', partial_json }))
    const tool = opened(1, { type: 'tool_use', id: 't1', name: 'weather', input: {} })
    const text = [opened(0, { type: 'text', text: '' }), event('content_block_stop', { index: 0 })]
    const frames = [event('message_start', START), ...text, tool, ...parts]
    const stream = anthropic(limited('messages', frames)).messages.stream({ model: 'm', max_tokens: 9, messages: [] })
    const { content, stop_reason } = await stream.finalMessage()
    expect(stop_reason).toBe('max_tokens')
    expect(content[1]).toMatchObject({ type: 'tool_use', name: 'weather' })
  })

  const numbered = (events: readonly (readonly [string, object])[]) =>
    events.map(([type, data], sequence_number) => event(`response.${type}`, { sequence_number, ...data }))
  const CREATED = {
    response: {
      id: 'r1',
      object: 'response',
      created_at: 1,
      model: 'm',
      status: 'in_progress',
      output: [],
      usage: null,
    },
  }

  it.each([
    ['text', { type: 'message', id: 'i1', role: 'assistant', status: 'in_progress', content: [] }],
    [
      'a tool call',
      { type: 'function_call', id: 'i1', call_id: 'c1', name: 'weather', arguments: '', status: 'in_progress' },
    ],
  ])('takes a response with %s open for one that is incomplete', async (_, item) => {
    const at = { item_id: 'i1', output_index: 0 }
    const isText = item.type === 'message'
    const part = { ...at, content_index: 0, part: { type: 'output_text', text: '', annotations: [] } }
    const frames = numbered([
      ['created', CREATED],
      ['output_item.added', { output_index: 0, item }],
      ...(isText ? [['content_part.added', part] as const] : []),
      ...(isText
        ? WORDS.map(delta => ['output_text.delta', { ...at, content_index: 0, delta, logprobs: [] }] as const)
        : ARGUMENTS.map(delta => ['function_call_arguments.delta', { ...at, delta }] as const)),
    ])
    const fetch = limited('responses', frames)
    const told: string[] = []
    const stream = openai(fetch).responses.stream({ model: 'm', input: 'x' })
    for await (const part of stream) {
      if (part.type === 'response.output_text.delta' || part.type === 'response.function_call_arguments.delta') {
        told.push(part.delta)
      }
    }
    expect(told).toEqual(isText ? WORDS : ARGUMENTS)
    expect(await stream.finalResponse()).toMatchObject({
      id: 'r1',
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { output_tokens: 7, total_tokens: 16 },
    })
  })
})
