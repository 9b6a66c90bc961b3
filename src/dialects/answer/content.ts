import { objectIn, type Report } from '../usage/counts.ts'

/**
 * How many bytes of UTF-8 a text has that was read as Latin-1: there every byte is a character, and only escapes make
 * characters beyond it. An escape of one from U+0080 to U+00FF can't be told from a byte, and counts one too few.
 */
export function bytesOfLatin1(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    // Half a surrogate pair is two of its four bytes.
    if (code > 0xff) bytes += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2
  }
  return bytes
}

/** Bytes of a text; 0 for what is none. */
export function textBytes(value: unknown): number {
  return typeof value === 'string' ? bytesOfLatin1(value) : 0
}

/** Bytes of content that is a text or, as Mistral has it, a list of parts with texts, those of reasoning one level deeper. */
function contentBytes(value: unknown): number {
  if (typeof value === 'string') return bytesOfLatin1(value)
  if (!Array.isArray(value)) return 0
  let bytes = partsBytes(value)
  for (const item of value) bytes += partsBytes(objectIn(item)?.thinking)
  return bytes
}

/**
 * Bytes of text, reasoning and tool calls in a chat's message or in a delta of one. Reasoning that is told under two
 * names at once counts once.
 */
export function messageBytes(message: Report): number {
  let bytes = contentBytes(message.content) + textBytes(message.refusal)
  bytes += Math.max(contentBytes(message.reasoning_content), contentBytes(message.reasoning))
  bytes += callBytes(message.function_call) + textBytes(objectIn(message.audio)?.transcript)
  if (Array.isArray(message.tool_calls)) {
    for (const item of message.tool_calls) {
      const call = objectIn(item)
      if (call !== null) bytes += callBytes(call.function) + callBytes(call.custom)
    }
  }
  return bytes
}

function callBytes(value: unknown): number {
  const call = objectIn(value)
  return call === null ? 0 : textBytes(call.name) + textBytes(call.arguments) + textBytes(call.input)
}

/** Blocks in which Anthropic's models call a tool. */
const CALLS: ReadonlySet<unknown> = new Set(['tool_use', 'server_tool_use', 'mcp_tool_use'])

/** Bytes of one block of Anthropic's content: text, thinking, or the name of a tool that is called. */
export function blockBytes(block: Report): number {
  const called = CALLS.has(block.type) ? textBytes(block.name) : 0
  return textBytes(block.text) + textBytes(block.thinking) + called
}

/** As `blockBytes`, and the input of a call besides, which streams tell in deltas of its own. */
export function wholeBlockBytes(block: Report): number {
  const input = CALLS.has(block.type) ? objectIn(block.input) : null
  return blockBytes(block) + (input === null ? 0 : bytesOfLatin1(JSON.stringify(input)))
}

/** Bytes of one item of a response's output: a message, reasoning, or a call of a tool. */
export function itemBytes(item: Report): number {
  const called = textBytes(item.name) + textBytes(item.arguments) + textBytes(item.input)
  return partsBytes(item.content) + partsBytes(item.summary) + called
}

function partsBytes(value: unknown): number {
  if (!Array.isArray(value)) return 0
  let bytes = 0
  for (const item of value) {
    const part = objectIn(item)
    if (part !== null) bytes += textBytes(part.text) + textBytes(part.refusal)
  }
  return bytes
}
