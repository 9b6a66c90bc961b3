import type { EmbeddingsAsk } from '../requests/ask.ts'

/** Places of a vector that a word touches. */
const PLACES_PER_WORD = 12
const MAX_WORDS = 8192
const WORD = /[\p{L}\p{N}]+/gu

/**
 * A unit vector that depends on the words of the text alone: texts with words in common point in similar directions.
 *
 * @param dimensions 1 or more
 */
export function embed(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions)
  const words = text.toLowerCase().match(WORD)?.slice(0, MAX_WORDS) ?? [text]
  for (const word of words) {
    let state = hashOf(word)
    for (let i = 0; i < PLACES_PER_WORD; i++) {
      state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9
      state ^= state >>> 13
      const place = (state >>> 1) % dimensions
      vector[place] = vector[place]! + (state & 1 ? 1 : -1)
    }
  }
  return normalised(vector)
}

function hashOf(word: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193)
  return hash
}

/** To length 1; what cancelled itself out becomes the first axis. */
function normalised(vector: Float32Array): Float32Array {
  let square = 0
  for (const value of vector) square += value * value
  if (square === 0) {
    vector[0] = 1
    return vector
  }
  const scale = 1 / Math.sqrt(square)
  return vector.map(value => value * scale)
}

/** The body of an answer of `embeddings`, as OpenAI writes it. */
export function embeddingsBody(ask: EmbeddingsAsk): string {
  const promptTokens = ask.inputs.reduce((sum, { prompt }) => sum + prompt.count, 0)
  const data = ask.inputs.map(({ text }, index) => {
    const vector = embed(text, ask.dimensions)
    return { object: 'embedding', index, embedding: ask.base64 ? base64Of(vector) : [...vector] }
  })
  return JSON.stringify({
    object: 'list',
    data,
    model: ask.model,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  })
}

/** Little-endian floats of four bytes, as every platform that Node runs on keeps them. */
function base64Of(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
}
