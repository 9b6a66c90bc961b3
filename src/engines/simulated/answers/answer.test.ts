import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Ask } from '../requests/ask.ts'
import { BYTES_PER_TOKEN, PromptTokens } from '../requests/tokens.ts'
import { jsonPiece, writeAnswer } from './answer.ts'
import { DISCLOSURE } from './prose.ts'

function askOf(text: string, over: Partial<Ask> = {}): Ask {
  const prompt = new PromptTokens(1_000_000)
  prompt.text(text)
  return {
    model: 'm',
    prompt,
    choices: 1,
    maxTokens: null,
    minTokens: 0,
    ignoreEnd: false,
    stops: [],
    form: { kind: 'text' },
    streamed: false,
    includeUsage: false,
    echo: {},
    ...over,
  }
}

describe('an answer', () => {
  it('is a whole readable text that says what it is, the same for the same prompt', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        const answer = writeAnswer(askOf(text), 0, 100_000)
        expect(answer).toEqual(writeAnswer(askOf(text), 0, 100_000))
        expect(answer.text.startsWith(DISCLOSURE) && answer.text.endsWith('.') && answer.end === 'natural').toBe(true)
      }),
    )
  })

  it('has at least one token, never more than the maximum or the room, and its text is that of its tokens', () => {
    const limit = fc.integer({ min: 1, max: 3000 })
    fc.assert(
      fc.property(fc.string(), limit, limit, fc.boolean(), (text, maxTokens, room, ignoreEnd) => {
        const answer = writeAnswer(askOf(text, { maxTokens, ignoreEnd }), 0, room)
        const most = Math.min(maxTokens, room)
        expect(answer.tokens).toBeGreaterThan(0)
        expect(answer.tokens).toBeLessThanOrEqual(most)
        if (ignoreEnd) expect(answer.tokens).toBe(most)
        expect(Math.ceil(answer.text.length / BYTES_PER_TOKEN)).toBe(answer.tokens)
        const natural = writeAnswer(askOf(text), 0, 100_000).tokens
        expect(answer.end).toBe(ignoreEnd || natural > most ? 'length' : 'natural')
      }),
    )
  })

  it('comes back whole from its pieces, whatever characters it has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), text => {
        const answer = writeAnswer(askOf('', { form: { kind: 'json', text } }), 0, 1000)
        const pieces = Array.from({ length: answer.tokens }, (_, i) => JSON.parse(`"${jsonPiece(answer, i, i + 1)}"`))
        expect(pieces.join('')).toBe(text)
      }),
    )
  })
})

describe("a prompt's tokens", () => {
  it('of a longer conversation begin with those of a shorter one', () => {
    const words = fc.array(fc.string({ unit: 'grapheme', maxLength: 200 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(words, words, (first, more) => {
        const hashesOf = (texts: readonly string[]) => {
          const prompt = new PromptTokens(1_000_000)
          for (const text of texts) {
            prompt.beginMessage('user')
            prompt.text(text)
            prompt.endMessage()
          }
          return [...prompt.hasher.hashes()]
        }
        const short = hashesOf(first)
        expect(hashesOf([...first, ...more]).slice(0, short.length)).toEqual(short)
      }),
    )
  })

  it('are about four bytes each, and a prompt beyond the context is counted without being hashed', () => {
    const prompt = new PromptTokens(1000)
    prompt.text('word'.repeat(100))
    prompt.text('字'.repeat(20))
    expect(prompt.count).toBe(100 + 10)
    prompt.text('word'.repeat(1_000_000))
    expect([prompt.count, prompt.hasher.tokens]).toEqual([1_000_110, 110])
  })
})
