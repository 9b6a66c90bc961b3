import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PromptHashes } from './prompts.ts'

const agreeing = (one: ArrayLike<number>, other: ArrayLike<number>) => {
  let length = 0
  while (length < Math.min(one.length, other.length) && one[length] === other[length]) length++
  return length
}
/** Ranges of ids, first and last in turn, each id by itself. */
const rangesOf = (ids: readonly number[]) => ids.flatMap(id => [id, id])
const ids = fc.array(fc.nat(3), { maxLength: 12 })
const BLOCK = 64

describe('hashes of prompts', () => {
  it('agree as far as the ids do, for engines and for the scheduler', () => {
    const hashes = new PromptHashes(BLOCK, 0)
    fc.assert(
      fc.property(ids, ids, fc.nat(BLOCK - 1), (one, other, tail) => {
        const [a, b] = [one, other].map(list => ({ inputTokens: list.length * BLOCK + tail, blocks: rangesOf(list) }))
        const shared = agreeing(one, other)
        expect(agreeing(hashes.ofEngine(a!, 16), hashes.ofEngine(b!, 16))).toBe(shared * 4)
        const seen = [a!, b!].map(prompt => hashes.ofScheduler(prompt))
        // Eight blocks of 64 tokens are looked at as one.
        expect(seen[0]!.blockTokens).toBe(512)
        expect(agreeing(seen[0]!.hashes, seen[1]!.hashes)).toBe(Math.floor(shared / 8))
      }),
    )
  })

  it('are the same for ids that follow each other and for a range of them', () => {
    const hashes = new PromptHashes(512, 0)
    const [one, other] = [
      [3, 4, 5, 9],
      [3, 5, 9, 9],
    ].map((list, i) => ({
      inputTokens: 2_048,
      blocks: i === 0 ? rangesOf(list) : list,
    }))
    expect(hashes.ofEngine(one!, 16)).toEqual(hashes.ofEngine(other!, 16))
    expect(hashes.ofScheduler(one!)).toEqual(hashes.ofScheduler(other!))
  })

  it('count a last block that is not full by its full parts', () => {
    const hashes = new PromptHashes(512, 0)
    const prompt = { inputTokens: 512 + 100, blocks: [0, 1] }
    expect(hashes.ofEngine(prompt, 16)).toHaveLength(32 + 6)
    expect(hashes.ofScheduler(prompt).hashes).toHaveLength(1)
  })

  it('have nothing in common with those of another recording', () => {
    const prompt = { inputTokens: 1_024, blocks: [0, 1] }
    const [one, other] = [0, 1].map(place => new PromptHashes(512, place).ofEngine(prompt, 64))
    expect(agreeing(one!, other!)).toBe(0)
  })

  it('are none where the recording knows no prefixes', () => {
    const prompt = { inputTokens: 1_024, blocks: null }
    expect(new PromptHashes(null, 0).ofEngine(prompt, 16)).toHaveLength(0)
    expect(new PromptHashes(512, 0).ofScheduler(prompt).hashes).toHaveLength(0)
  })
})
