import type { ParsedBody, StreamReader } from '../../ports/wire.ts'
import type { Endpoint } from '../../vocabulary/dialect.ts'
import { wireOf } from '../wire.ts'

/** What a reader made of a stream. */
export interface Reading {
  /** Everything shown by `push`, as Latin-1. */
  readonly shown: string
  /** As shown, what `finish` adds before the closing comment, and the last event. */
  readonly before: string
  readonly last: string
  readonly whole: boolean
  readonly reader: StreamReader
}

export function bodyOf(endpoint: Endpoint, over: object = {}): ParsedBody {
  const body = wireOf(endpoint).parseBody(Buffer.from(JSON.stringify({ model: 'fast', stream: true, ...over })))
  if ('fault' in body) throw new Error(body.fault)
  return body
}

/** Reads a stream that comes in these chunks. */
export function read(endpoint: Endpoint, chunks: Iterable<Uint8Array>, over: object = {}): Reading {
  const reader = wireOf(endpoint).openStream(bodyOf(endpoint, over))
  let shown = ''
  for (const chunk of chunks) shown += latin1(reader.push(chunk))
  const end = reader.finish()
  return { shown, before: latin1(end.beforeComment), last: latin1(end.lastEvent), whole: end.whole, reader }
}

/** Cuts bytes after each of these lengths, in turn and over again. */
export function* split(bytes: Buffer, lengths: readonly number[]): Iterable<Buffer> {
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const length = Math.max(1, lengths[i % lengths.length] ?? bytes.length)
    yield Buffer.from(bytes.subarray(at, at + length))
    at += length
  }
}

export function latin1(bytes: Uint8Array | null): string {
  return bytes === null ? '' : Buffer.from(bytes).toString('latin1')
}

export function chunk(delta: object, over: object = {}, event: object = {}): string {
  const choices = [{ index: 0, delta, finish_reason: null, ...over }]
  return `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1_760_000_000, model: 'm', choices, ...event })}\n\n`
}

export const CHAT_USAGE = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }
export const USAGE_CHUNK = `data: ${JSON.stringify({ id: 'c1', choices: [], usage: CHAT_USAGE })}\n\n`
export const DONE = 'data: [DONE]\n\n'

export function chat(words: readonly string[]): string {
  const content = words.map(word => chunk({ content: word })).join('')
  return `${chunk({ role: 'assistant', content: '' })}${content}${chunk({}, { finish_reason: 'stop' })}${USAGE_CHUNK}${DONE}`
}

export function event(type: string, data: object = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
}

export const MESSAGE_STOP = event('message_stop')

export function messages(words: readonly string[]): string {
  const deltas = words.map(text => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }))
  return [
    event('message_start', { message: { id: 'm1', content: [], usage: { input_tokens: 100, output_tokens: 1 } } }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('ping'),
    ...deltas,
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 20 } }),
    MESSAGE_STOP,
  ].join('')
}

export function responses(words: readonly string[], end = 'completed'): string {
  let sequence_number = 0
  const told = (type: string, data: object) => event(type, { sequence_number: sequence_number++, ...data })
  const usage = { input_tokens: 100, output_tokens: 20, total_tokens: 120 }
  return [
    told('response.created', { response: { id: 'r1', status: 'in_progress', output: [], usage: null } }),
    told('response.output_item.added', { output_index: 0, item: { type: 'message', role: 'assistant', content: [] } }),
    ...words.map(delta => told('response.output_text.delta', { item_id: 'm1', delta })),
    told('response.output_text.done', { text: words.join('') }),
    told(`response.${end}`, { response: { id: 'r1', status: end, output: [], usage } }),
  ].join('')
}

export const STREAMS: Readonly<
  Record<'chat/completions' | 'messages' | 'responses', (words: readonly string[]) => string>
> = { 'chat/completions': chat, messages, responses }
