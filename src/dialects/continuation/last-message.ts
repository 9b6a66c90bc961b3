import type { Edit } from '../body/splice.ts'
import { JsonScan } from '../json/scan.ts'
import { stringAt } from '../json/text.ts'
import type { Span } from './request.ts'

const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const COMMA = 0x2c
const QUOTE = 0x22

/**
 * What makes an assistant's message with this text the last one of the conversation: a message behind the caller's, or
 * more of the caller's own when that is the assistant's already, since two in a row are refused by some.
 *
 * @param messages where the list of messages lies in the bytes
 */
export function withLastMessage(bytes: Buffer, messages: Span, text: string): Edit {
  const last = lastElement(bytes, messages)
  const own = last === null ? null : assistantMessage(bytes, last)
  if (own !== null)
    return own.content === null
      ? insert(own.at + 1, `"content":${JSON.stringify(text)},`)
      : more(bytes, own.content, text)
  const message = JSON.stringify({ role: 'assistant', content: text })
  return insert(messages.end - 1, last === null ? message : `,${message}`)
}

/** @param content the content of the caller's own message: a text, a list of parts, or nothing */
function more(bytes: Buffer, { at, end }: Span, text: string): Edit {
  const json = JSON.stringify(text)
  if (bytes[at] === QUOTE) return insert(end - 1, json.slice(1, -1))
  if (bytes[at] !== OPEN_BRACKET) return { at, end, text: Buffer.from(json) }
  const part = `{"type":"text","text":${json}}`
  return insert(end - 1, lastElement(bytes, { at, end }) === null ? part : `,${part}`)
}

function insert(at: number, text: string): Edit {
  return { at, end: at, text: Buffer.from(text) }
}

/** Where the last element of a list lies; null when it has none. */
function lastElement(bytes: Buffer, list: Span): Span | null {
  const scan = new JsonScan(bytes)
  let last: Span | null = null
  let at = scan.space(list.at + 1)
  while (bytes[at] !== CLOSE_BRACKET) {
    const end = scan.value(at, 1, -1)
    last = { at, end }
    at = scan.space(end)
    if (bytes[at] === COMMA) at = scan.space(at + 1)
  }
  return last
}

interface AssistantMessage extends Span {
  readonly content: Span | null
}

/** The message when it is the assistant's and calls no tool: what comes behind a call is another message. */
function assistantMessage(bytes: Buffer, message: Span): AssistantMessage | null {
  if (bytes[message.at] !== OPEN_BRACE) return null
  const members = new Map<string, Span>()
  new JsonScan(bytes).object(message.at, 1, -1, {
    member(keyAt, keyEnd, at, end, escaped) {
      const name = stringAt(bytes, keyAt, keyEnd, escaped)
      if (name === 'role' || name === 'content' || name === 'tool_calls') members.set(name, { at, end })
    },
  })
  const told = (name: string) => {
    const span = members.get(name)
    return span === undefined ? null : JSON.parse(bytes.toString('utf8', span.at, span.end))
  }
  const calls: unknown = told('tool_calls')
  if (told('role') !== 'assistant' || (Array.isArray(calls) && calls.length > 0)) return null
  return { ...message, content: members.get('content') ?? null }
}
