import { setTimeout as pause } from 'node:timers/promises'
import type { Asked, Conversation } from './server.ts'
import { json } from './server.ts'

/** What every scripted upstream answers, a word to a frame. */
export const WORDS =
  'When one valve jams the others open a little wider, so that the wheel below keeps turning and nobody in the valley sees a lamp go dim'.split(
    /(?= )/,
  )
export const TEXT = WORDS.join('')
const USAGE = { prompt_tokens: 24, completion_tokens: WORDS.length, total_tokens: 24 + WORDS.length }
const CREATED_S = 1_767_225_600

/** The JSON of a whole answer. */
export function answerOf(id: string): object {
  return {
    id,
    object: 'chat.completion',
    created: CREATED_S,
    model: 'mock-model',
    choices: [{ index: 0, message: { role: 'assistant', content: TEXT }, finish_reason: 'stop' }],
    usage: USAGE,
  }
}

/** The frame that gives an answer its role, and no content. */
export function roleFrame(id: string): string {
  return chunk(id, [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }])
}

export function wordFrame(id: string, word: string): string {
  return chunk(id, [{ index: 0, delta: { content: word }, finish_reason: null }])
}

/** What comes after the last word of a whole answer. */
export function lastFrames(id: string): string {
  const finish = chunk(id, [{ index: 0, delta: {}, finish_reason: 'stop' }])
  return `${finish}${chunk(id, [], USAGE)}data: [DONE]\n\n`
}

function chunk(id: string, choices: readonly object[], usage?: object): string {
  const head = { id, object: 'chat.completion.chunk', created: CREATED_S, model: 'mock-model' }
  return `data: ${JSON.stringify({ ...head, choices, ...(usage ? { usage } : {}) })}\n\n`
}

/** How fast a model speaks. */
export interface Speed {
  readonly firstMs: number
  readonly wordMs: number
}

/** Answers well, plain or streamed; goes on where the answer that it is given as begun ends. */
export async function answerWell({ body, response }: Asked, id: string, { firstMs, wordMs }: Speed): Promise<void> {
  if (firstMs > 0) await pause(firstMs)
  if (!body.stream) return json(response, 200, answerOf(id))
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(roleFrame(id))
  for (const word of wordsAfter(toldOf(body))) {
    if (response.destroyed) return
    response.write(wordFrame(id, word))
    if (wordMs > 0) await pause(wordMs)
  }
  response.end(lastFrames(id))
}

/** What a conversation says was already told: the text of an assistant's message that nobody has replied to. */
export function toldOf({ messages }: Conversation): string {
  const last = messages.at(-1)
  if (last?.role !== 'assistant') return ''
  return typeof last.content === 'string' ? last.content : last.content.map(({ text }) => text ?? '').join('')
}

/** The words that are still to be said; all of them when something else was told. */
export function wordsAfter(told: string): readonly string[] {
  const rest = TEXT.startsWith(told) ? TEXT.slice(told.length) : TEXT
  return rest.match(/\s*\S+/g) ?? []
}
