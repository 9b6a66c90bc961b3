import type { Ask } from '../requests/ask.ts'
import type { Answer } from './answer.ts'

/** What an endpoint's answer is made from. */
export interface Told {
  /** Unique; each wire puts its own prefix before it. */
  readonly id: string
  readonly createdAtSeconds: number
  readonly ask: Ask
  /** One for each choice. */
  readonly answers: readonly Answer[]
}

/** Tokens that a call used. */
export interface Counts {
  /** Cached ones included. */
  readonly promptTokens: number
  readonly cachedTokens: number
  /** Of all choices. */
  readonly outputTokens: number
}

/** How one stream is written. Each method returns whole server-sent events, or nothing. */
export interface StreamWire {
  opening(counts: Counts): string
  beginChoice(choice: number): string
  /** @param piece text of one token, as it stands in a JSON string */
  token(choice: number, piece: string): string
  endChoice(choice: number): string
  closing(counts: Counts): string
}

/** How an endpoint's answers look. */
export interface AnswerWire {
  plain(told: Told, counts: Counts): string
  stream(told: Told): StreamWire
}
