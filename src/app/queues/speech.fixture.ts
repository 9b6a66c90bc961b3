import type { PlannedCall } from './draw.fixture.ts'

/** As the gateway reckons. */
const BYTES_PER_TOKEN = 3.6

export function tokensOf(text: string): number {
  return Math.ceil(text.length / BYTES_PER_TOKEN)
}

/** What is asked: its end says which call it is and how long the answer shall be. */
export function questionOf({ prompt, outputTokens }: PlannedCall): string {
  return `${prompt}${outputTokens}`
}

/** The answer to a question, of four characters a token, no two of them alike in any answer. */
export function textOf(question: string): string {
  const [, id, tokens] = /pen_0*(\d+)\?(\d+)$/.exec(question)!
  const first = 100 * (Number(id) % 100)
  return Array.from({ length: Number(tokens) }, (_, i) => `${(first + i).toString(36).padStart(3, '0')} `).join('')
}

export function bodyOf(planned: PlannedCall): string {
  const { model, streamed } = planned
  const messages = [{ role: 'user', content: questionOf(planned) }]
  return JSON.stringify({ model, messages, max_tokens: 120, stream: streamed })
}

interface Reported {
  readonly promptTokens: number
  readonly cachedTokens: number
}

function usageOf({ promptTokens, cachedTokens }: Reported, outputTokens: number) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  }
}

/** @param last of the last chunk, which has the finish and the usage; null for others */
export function chatChunk(content: string, last: (Reported & { readonly outputTokens: number }) | null): string {
  const finish_reason = last === null ? null : 'stop'
  const usage = last === null ? null : usageOf(last, last.outputTokens)
  const choices = [{ index: 0, delta: { content }, finish_reason }]
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices, usage })}\n\n`
}

export function chatWhole(content: string, reported: Reported): string {
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
  return JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    choices,
    usage: usageOf(reported, content.length / 4),
  })
}
