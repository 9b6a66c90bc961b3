import type { PromptTokens } from './tokens.ts'

/** What an answer is made of. */
export type AnswerForm =
  | { readonly kind: 'text' }
  /** One JSON document. */
  | { readonly kind: 'json'; readonly text: string }
  /** A call of a tool, its arguments one JSON document. */
  | { readonly kind: 'call'; readonly name: string; readonly text: string }

/** What a request for generated text asks, whatever its dialect. */
export interface Ask {
  /** As the caller names it. */
  readonly model: string
  readonly prompt: PromptTokens
  /** Answers to the one prompt. */
  readonly choices: number
  /** Most output tokens of an answer; null when not said. */
  readonly maxTokens: number | null
  /** Fewest output tokens of an answer. */
  readonly minTokens: number
  /** Go on to `maxTokens`, whatever the text (vLLM's `ignore_eos`): for load tests of a known length. */
  readonly ignoreEnd: boolean
  readonly stops: readonly string[]
  readonly form: AnswerForm
  readonly streamed: boolean
  /** Whether a streamed chat tells its usage. */
  readonly includeUsage: boolean
  /** Fields that the Responses API repeats in its answers. */
  readonly echo: Readonly<Record<string, unknown>>
}

/** Texts to embed. */
export interface EmbeddingsAsk {
  readonly model: string
  readonly inputs: readonly { readonly text: string; readonly prompt: PromptTokens }[]
  readonly dimensions: number
  readonly base64: boolean
}

/** Bounds within which a request is read. */
export interface AskLimits {
  /** Longest sequence of the model, prompt and answer together. */
  readonly contextTokens: number
  /** Numbers in an embedding at most. */
  readonly maxDimensions: number
}
