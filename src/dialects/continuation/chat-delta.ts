import { objectIn, type Report } from '../usage/counts.ts'

/** What one delta of a streamed chat adds. */
export interface ChatDelta {
  readonly text: string
  /** Whether it adds reasoning. */
  readonly thinks: boolean
  /** Whether it adds content that is neither: a call, a refusal, a sound, a picture. */
  readonly others: boolean
  /** Its members without role, text and reasoning, those that say nothing left out. */
  readonly rest: Report
}

const REASONING: ReadonlySet<string> = new Set(['reasoning_content', 'reasoning', 'reasoning_details', 'thinking'])
const OTHERS: ReadonlySet<string> = new Set(['tool_calls', 'function_call', 'refusal', 'audio', 'images'])

export function readChatDelta(delta: Report): ChatDelta {
  const { text, thinks: thinksInParts, others: othersInParts } = readContent(delta.content)
  let thinks = thinksInParts
  let others = othersInParts
  const rest: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(delta)) {
    if (name === 'role' || name === 'content' || saysNothing(value)) continue
    if (REASONING.has(name)) thinks = true
    else rest[name] = value
    if (OTHERS.has(name)) others = true
  }
  return { text, thinks, others, rest }
}

/** Content is a text or, as Mistral has it, a list of parts. */
function readContent(content: unknown): Omit<ChatDelta, 'rest'> {
  if (typeof content === 'string') return { text: content, thinks: false, others: false }
  const told = { text: '', thinks: false, others: false }
  for (const item of Array.isArray(content) ? content : []) {
    const part = objectIn(item)
    if (part?.type === 'text' && typeof part.text === 'string') told.text += part.text
    else if (part?.type === 'thinking') told.thinks = true
    else told.others = true
  }
  return told
}

function saysNothing(value: unknown): boolean {
  return value === null || value === '' || (Array.isArray(value) && value.length === 0)
}
