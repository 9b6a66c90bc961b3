import fc from 'fast-check'
import { countTokens as countWithCl100k } from 'gpt-tokenizer/encoding/cl100k_base'
import { countTokens as countWithO200k } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import type { Trace, TraceRequest } from '../traces/trace.ts'
import { WORDS, writePrompt } from './prompt.ts'
import { lengthsFor } from './shape.ts'

const request = (inputTokens: number, blocks: readonly number[] | null, outputTokens = 10): TraceRequest => ({
  atMs: 0,
  model: null,
  inputTokens,
  outputTokens,
  blocks,
  tenant: null,
  session: null,
  follows: null,
})
const traceOf = (requests: readonly TraceRequest[], blockTokens: number | null = 16): Trace => ({
  format: 'mooncake',
  requests,
  blockTokens,
  blockIds: 1000,
  notes: [],
})
const write = (one: TraceRequest, index = 0, options = {}) =>
  writePrompt(one, lengthsFor(traceOf([one]), options)(one, index).prompt).toString()
const sharedWords = (a: string, b: string) => {
  const [left, right] = [a.match(/.{4}/g) ?? [], b.match(/.{4}/g) ?? []]
  const differs = left.findIndex((word, i) => word !== right[i])
  return differs < 0 ? left.length : differs
}

describe('words', () => {
  it('are 128 different ones of three letters', () => {
    expect(new Set(WORDS).size).toBe(128)
    for (const word of WORDS) expect(word).toMatch(/^[a-z]{3}$/)
  })
})

describe('a prompt', () => {
  it('has exactly as many tokens as were recorded, by tokenizers and by bytes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 600 }),
        fc.array(fc.nat(999), { maxLength: 40 }),
        fc.nat(100),
        (tokens, ids, index) => {
          const text = write(
            request(
              tokens,
              ids.flatMap(id => [id, id]),
            ),
            index,
          )
          expect(text).toHaveLength(4 * tokens)
          expect(countWithO200k(text)).toBe(tokens)
          expect(countWithCl100k(text)).toBe(tokens)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('shares with another exactly the beginning that their blocks share', () => {
    const ids = fc.array(fc.nat(3), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(ids, ids, (one, other) => {
        const text = (list: readonly number[], index: number) =>
          write(
            request(
              16 * list.length + 7,
              list.flatMap(id => [id, id]),
            ),
            index,
          )
        const differs = one.findIndex((id, i) => id !== other[i])
        const blocks = differs < 0 ? one.length : differs
        const found = sharedWords(text(one, 0), text(other, 1))
        expect(found).toBeGreaterThanOrEqual(16 * blocks)
        // A block spells its id with its first words, of which the last may be alike.
        expect(found).toBeLessThan(16 * blocks + 6)
      }),
    )
  })

  it('shares a partial last block with a whole one as far as it goes', () => {
    expect(sharedWords(write(request(24, [0, 1]), 0), write(request(40, [0, 1, 5, 5]), 1))).toBe(24)
  })

  it('shares nothing where the recording knows no prefixes', () => {
    expect(sharedWords(write(request(64, null), 0), write(request(64, null), 1))).toBeLessThan(6)
  })

  it('is other words throughout with another salt', () => {
    expect(sharedWords(write(request(64, [0, 3])), write(request(64, [0, 3]), 0, { salt: 1 }))).toBeLessThan(6)
  })
})

describe('lengths', () => {
  const shape = (one: TraceRequest, options: object, blockTokens: number | null = 512) =>
    lengthsFor(traceOf([one], blockTokens), options)(one, 0)

  it('are those recorded when nothing is said', () => {
    const { prompt, outputTokens, shortened } = shape(request(700, [0, 1], 33), {})
    expect({ words: prompt.words, blockWords: prompt.blockWords, outputTokens, shortened }).toEqual({
      words: 700,
      blockWords: 512,
      outputTokens: 33,
      shortened: false,
    })
  })

  it('are scaled together with their blocks, so that as much is shared as before', () => {
    expect(shape(request(1000, [0, 1]), { inputScale: 0.25 }).prompt).toMatchObject({ words: 250, blockWords: 128 })
  })

  it('leave room for the answer and the template within the context', () => {
    const { prompt, outputTokens, shortened } = shape(request(5000, [0, 9], 100), { contextLimit: 2048 })
    expect(prompt.words + outputTokens).toBeLessThanOrEqual(2048 - 64)
    expect(shortened).toBe(true)
    expect(shape(request(10, [0, 0], 99_999), { contextLimit: 2048 }).prompt.words).toBeGreaterThanOrEqual(1)
  })

  it('never ask for an answer of nothing', () => {
    expect(shape(request(5, null, 0), {}, null).outputTokens).toBe(1)
  })

  it.each([
    [{ inputScale: 0 }],
    [{ inputScale: 0.01 }],
    [{ contextLimit: 60 }],
    [{ maxTokens: 0 }],
    [{ salt: -1 }],
    [{ salt: 256 }],
  ])('%o is refused', options => {
    expect(() => shape(request(100, [0, 0]), options)).toThrow(RangeError)
  })
})
