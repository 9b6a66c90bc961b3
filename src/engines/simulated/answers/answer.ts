import type { Ask } from '../requests/ask.ts'
import { BYTES_PER_TOKEN } from '../requests/tokens.ts'
import { proseOf } from './prose.ts'

/** Why an answer ended. */
export type AnswerEnd = 'natural' | 'length' | 'stopSequence'

/** One answer, known as a whole before its first token is due. */
export interface Answer {
  readonly text: string
  /** One or more; each is four characters of the text, the last one maybe fewer. */
  readonly tokens: number
  readonly end: AnswerEnd
  readonly stopSequence: string | null
  /** Whether the text can stand in JSON as it is. */
  readonly plain: boolean
}

const NEEDS_ESCAPE = /[^ !#-[\]-~]/
/** Makes the answers to one prompt differ. */
const CHOICE_STEP = 0x9e3779b1

/**
 * Writes an answer.
 *
 * @param choice which of several, from 0
 * @param roomTokens what the context leaves after the prompt, 1 or more
 */
export function writeAnswer(ask: Ask, choice: number, roomTokens: number): Answer {
  const most = Math.min(ask.maxTokens ?? roomTokens, roomTokens)
  const endless = ask.form.kind === 'text' && ask.ignoreEnd && ask.maxTokens !== null
  const least = endless ? most : Math.min(ask.minTokens, most)
  const seed = (ask.prompt.hasher.digest + Math.imul(choice, CHOICE_STEP)) >>> 0
  const whole = ask.form.kind === 'text' ? proseOf(seed, least * BYTES_PER_TOKEN) : ask.form.text
  return cut(whole, ask.stops, { mostTokens: most, endless })
}

function cut(whole: string, stops: readonly string[], to: { mostTokens: number; endless: boolean }): Answer {
  const mostCharacters = to.mostTokens * BYTES_PER_TOKEN
  const text = whole.length > mostCharacters ? whole.slice(0, mostCharacters) : whole
  let at = -1
  let stopSequence: string | null = null
  for (const stop of stops) {
    const found = text.indexOf(stop)
    if (found >= 0 && (at < 0 || found < at)) {
      at = found
      stopSequence = stop
    }
  }
  const shown = at >= 0 ? text.slice(0, at) : text
  const end = at >= 0 ? 'stopSequence' : to.endless || text.length < whole.length ? 'length' : 'natural'
  const tokens = Math.max(1, Math.ceil(shown.length / BYTES_PER_TOKEN))
  return { text: shown, tokens, end, stopSequence, plain: !NEEDS_ESCAPE.test(shown) }
}

/** The text of the tokens from `from` to before `to`, as it stands between the quotes of a JSON string. */
export function jsonPiece(answer: Answer, from: number, to: number): string {
  const piece = answer.text.slice(from * BYTES_PER_TOKEN, to * BYTES_PER_TOKEN)
  return answer.plain ? piece : JSON.stringify(piece).slice(1, -1)
}
