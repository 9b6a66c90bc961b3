import type { AskLimits, EmbeddingsAsk } from './ask.ts'
import type { Fields } from './fields.ts'
import { PromptTokens } from './tokens.ts'

/** Texts in one request, as OpenAI bounds them. */
const MAX_INPUTS = 2048
const DEFAULT_DIMENSIONS = 1024

/** Reads a body of `embeddings`; faults are told to the fields' own list. */
export function readEmbeddings(body: Fields, limits: AskLimits): EmbeddingsAsk {
  body.need('input')
  const format = body.string('encoding_format') ?? 'float'
  if (format !== 'float' && format !== 'base64') body.wrong('encoding_format', "'float' or 'base64'")
  const most = limits.maxDimensions
  return {
    model: body.string('model') ?? '',
    inputs: readInputs(body).map(text => {
      const prompt = new PromptTokens(limits.contextTokens)
      prompt.text(text)
      return { text, prompt }
    }),
    dimensions: body.integer('dimensions', { least: 1, most }) ?? Math.min(DEFAULT_DIMENSIONS, most),
    base64: format === 'base64',
  }
}

/** A text, texts, a list of tokens or lists of tokens; tokens are spelled out as a text. */
function readInputs(body: Fields): readonly string[] {
  const input = body.raw('input')
  if (input === null) return []
  if (typeof input === 'string' && input !== '') return [input]
  const expected = `a string or an array of 1 to ${MAX_INPUTS} strings or of token arrays`
  if (Array.isArray(input) && input.length > 0) {
    if (input.every(isToken)) return [spell(input)]
    if (input.length <= MAX_INPUTS && input.every(one => typeof one === 'string' && one !== '')) return input
    if (input.length <= MAX_INPUTS && input.every(isTokenList)) return input.map(spell)
  }
  body.wrong('input', expected)
  return []
}

function isToken(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0
}

function isTokenList(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every(isToken)
}

/** Four characters for a token, as texts are cut. */
function spell(tokens: readonly number[]): string {
  return tokens.map(token => (token % 36 ** 3).toString(36).padStart(3, '0')).join(' ')
}
