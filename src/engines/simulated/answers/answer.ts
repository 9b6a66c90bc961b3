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
 * Writes an answer. One that the caller began goes on from there if it is what would have been written without that
 * beginning, so that what was cut off at one engine and goes on at another one joins to what neither would have cut;
 * the caller's minimum then counts what was said.
 *
 * @param choice which of several, from 0
 * @param roomTokens what the context leaves after the prompt, 1 or more
 */
export function writeAnswer(ask: Ask, choice: number, roomTokens: number): Answer {
  const most = Math.min(ask.maxTokens ?? roomTokens, roomTokens)
  const endless = ask.form.kind === 'text' && ask.ignoreEnd && ask.maxTokens !== null
  const to = { mostTokens: most, endless }
  const leastAfter = (said: string) => {
    const longest = said.length + most * BYTES_PER_TOKEN
    return endless ? longest : Math.min(ask.minTokens * BYTES_PER_TOKEN, longest)
  }
  const { begun, hasher } = ask.prompt
  if (begun !== null && ask.form.kind !== 'call') {
    const whole = wholeText(ask, seedOf(begun.seed, choice), leastAfter(begun.said))
    if (whole.startsWith(begun.said)) return cut(whole.slice(begun.said.length), ask.stops, to)
  }
  return cut(wholeText(ask, seedOf(hasher.digest, choice), leastAfter('')), ask.stops, to)
}

function seedOf(digest: number, choice: number): number {
  return (digest + Math.imul(choice, CHOICE_STEP)) >>> 0
}

function wholeText({ form }: Ask, seed: number, leastCharacters: number): string {
  return form.kind === 'text' ? proseOf(seed, leastCharacters) : form.text
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
