import { Fields, type FirstFault, isObject, type Json } from './fields.ts'
import type { PromptTokens } from './tokens.ts'

/** Marks of the cache move from call to call; they are no part of the prompt. */
const withoutCacheMarks = (key: string, value: unknown) => (key === 'cache_control' ? undefined : value)

/** Reads what a message says: a text, or a list of texts, images, tool calls and their results. */
export function readContent(message: Fields, name: string, prompt: PromptTokens): void {
  const content = message.raw(name)
  if (content === null) return
  if (typeof content === 'string') return prompt.text(content)
  if (!Array.isArray(content)) return message.wrong(name, 'a string or an array of parts')
  for (const part of message.objects(name) ?? []) readPart(part, prompt)
}

function readPart(part: Fields, prompt: PromptTokens): void {
  const text = part.raw('text')
  if (typeof text === 'string') return prompt.text(text)
  if (part.raw('type') === 'text') return part.raw('text') === null ? part.need('text') : part.wrong('text', 'a string')
  const image = imageSource(part)
  if (image !== null) return prompt.image(image)
  if (part.raw('type') === 'tool_result') return readContent(part, 'content', prompt)
  prompt.text(plainJson(part))
}

function imageSource(part: Fields): string | null {
  const { image_url: url, source } = { image_url: part.raw('image_url'), source: part.raw('source') }
  if (typeof url === 'string') return url
  if (isObject(url) && typeof url.url === 'string') return url.url
  if (isObject(source)) {
    if (typeof source.url === 'string') return source.url
    if (typeof source.data === 'string') return source.data
  }
  return null
}

function plainJson(part: Fields): string {
  return JSON.stringify(part.whole, withoutCacheMarks)
}

/**
 * Takes an assistant's message at the end of a conversation for the beginning of the answer. One that says nothing, or
 * has more in it than text, as a call of a tool, is none.
 */
export function readBegunAnswer(message: Fields, prompt: PromptTokens): void {
  if (message.raw('role') !== 'assistant') return
  const calls = message.raw('tool_calls')
  if (Array.isArray(calls) && calls.length > 0) return
  const said = textAlone(message.raw('content'))
  if (said !== null && said !== '') prompt.beginAnswer(said)
}

function textAlone(content: unknown): string | null {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return null
  const texts = content.map(part => (isObject(part) && typeof part.text === 'string' ? part.text : null))
  return texts.includes(null) ? null : texts.join('')
}

/** Tools stand before everything else in a prompt. */
export function readToolPrompt(body: Fields, prompt: PromptTokens): void {
  const tools = body.array('tools')
  if (tools === null || tools.length === 0) return
  prompt.beginMessage('tools')
  prompt.text(JSON.stringify(tools, withoutCacheMarks))
  prompt.endMessage()
}

/** Reads a body as a JSON object, or tells why it is none. */
export function readJson(bytes: readonly Uint8Array[], faults: FirstFault): Fields | null {
  const whole = bytes.length === 1 ? bytes[0]! : Buffer.concat(bytes)
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength).toString('utf8'))
  } catch (error) {
    faults.unsupportedBody(`The body is not valid JSON: ${(error as Error).message}`)
    return null
  }
  if (isObject(value)) return new Fields(value as Json, faults)
  faults.unsupportedBody('The body must be a JSON object.')
  return null
}
