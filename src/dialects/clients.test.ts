import Anthropic, { APIError as AnthropicError } from '@anthropic-ai/sdk'
import OpenAI, { APIError as OpenAIError } from 'openai'
import { describe, expect, it } from 'vitest'
import type { Endpoint } from '../vocabulary/dialect.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import { renderRefusal, wireOf } from './index.ts'
import { chat, messages, responses } from './stream/streams.fixture.ts'

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
