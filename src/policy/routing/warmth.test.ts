import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NOW } from './routing.fixture.ts'
import { sessionHash } from './session.ts'
import { Warmth } from './warmth.ts'

const SECOND = 1_000
const MINUTE = 60_000

const warmth = () => new Warmth(Warmth.memory())
const session = (run: string) => sessionHash('ci', run, null)
const A = 'openai/a'
const B = 'azure/a'

/** A call that began a second before it is learnt from. */
function call(inputTokens: number, cachedTokens: number | null, at: number) {
  return { inputTokens, cachedTokens, startedAt: at - SECOND }
}

describe('warmth', () => {
  it('expects the greater part of what a session sent there before, and nothing anywhere else', () => {
    const known = warmth()
    known.learn(session('r'), A, call(10_000, 0, NOW), NOW)
    expect(known.cachedTokens(session('r'), A, 12_000, NOW)).toBe(7_500)
    expect(known.cachedTokens(session('r'), A, 5_000, NOW)).toBe(3_750)
    expect(known.cachedTokens(session('r'), B, 12_000, NOW)).toBe(0)
    expect(known.cachedTokens(session('other'), A, 12_000, NOW)).toBe(0)
  })

  it('expects nothing of calls without a session, of short prompts, and after five minutes', () => {
    const known = warmth()
    known.learn(0, A, call(10_000, 0, NOW), NOW)
    expect(known.cachedTokens(0, A, 10_000, NOW)).toBe(0)
    known.learn(session('r'), A, call(10_000, 0, NOW), NOW)
    expect(known.cachedTokens(session('r'), A, 1_023, NOW)).toBe(0)
    expect(known.cachedTokens(session('r'), A, 10_000, NOW + 5 * MINUTE - 1)).toBe(7_500)
    expect(known.cachedTokens(session('r'), A, 10_000, NOW + 5 * MINUTE)).toBe(0)
    known.learn(session('short'), A, call(1_000, 0, NOW), NOW)
    expect(known.cachedTokens(session('short'), A, 10_000, NOW)).toBe(0)
  })

  it('stays warm for as long as it is used', () => {
    const known = warmth()
    for (let at = NOW; at < NOW + 60 * MINUTE; at += 4 * MINUTE) {
      known.learn(session('r'), A, call(10_000, null, at), at)
      expect(known.cachedTokens(session('r'), A, 10_000, at + 4 * MINUTE)).toBe(7_500)
    }
  })

  it('comes to expect what is reported', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_024, max: 100_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (input, share) => {
          const known = warmth()
          for (let i = 0; i < 30; i++) {
            const at = NOW + i * MINUTE
            known.learn(session('r'), A, call(input, i === 0 ? 0 : Math.round(input * share), at), at)
          }
          const expected = known.cachedTokens(session('r'), A, input, NOW + 29 * MINUTE)
          expect(Math.abs(expected - input * share)).toBeLessThan(3 + input / 10_000)
        },
      ),
    )
  })

  it('expects little of new sessions where nothing was ever cached, and more again when that changes', () => {
    const known = warmth()
    const twice = (i: number, cachedTokens: number) => {
      known.learn(session(`${i}`), A, call(10_000, 0, NOW), NOW)
      const expected = known.cachedTokens(session(`${i}`), A, 10_000, NOW)
      known.learn(session(`${i}`), A, call(10_000, cachedTokens, NOW + MINUTE), NOW + MINUTE)
      return expected
    }
    const shrinking = Array.from({ length: 80 }, (_, i) => twice(i, 0))
    expect(shrinking).toEqual(shrinking.toSorted((a, b) => b - a))
    expect(shrinking.at(-1)).toBeLessThan(100)
    for (let i = 80; i < 160; i++) twice(i, 10_000)
    expect(twice(160, 10_000)).toBeGreaterThan(9_500)
    known.learn(session('elsewhere'), B, call(10_000, 0, NOW), NOW)
    expect(known.cachedTokens(session('elsewhere'), B, 10_000, NOW)).toBe(7_500)
  })

  it('learns nothing from calls that began before the prompt was there', () => {
    const known = warmth()
    for (let i = 0; i < 18; i++) {
      known.learn(session('r'), A, { inputTokens: 10_000, cachedTokens: 0, startedAt: NOW - 1 }, NOW + i)
    }
    expect(known.cachedTokens(session('r'), A, 10_000, NOW + 20)).toBe(7_500)
  })

  it('is shared by all who have the memory', () => {
    const memory = Warmth.memory()
    new Warmth(memory).learn(session('r'), A, call(10_000, 0, NOW), NOW)
    expect(new Warmth(memory).cachedTokens(session('r'), A, 10_000, NOW)).toBe(7_500)
  })

  it('remembers the latest of more sessions than it has room for, and never takes one for another', () => {
    const known = warmth()
    const many = 200_000
    for (let i = 0; i < many; i++) known.learn(session(`${i}`), A, call(2_000 + i, null, NOW + i), NOW + i)
    const remembered: number[] = []
    for (let i = 0; i < many; i++) {
      const expected = known.cachedTokens(session(`${i}`), A, 1_000_000, NOW + many)
      if (expected === 0) continue
      remembered.push(i)
      if (expected !== Math.floor(0.75 * (2_000 + i))) throw new Error(`${expected} tokens of session ${i}`)
    }
    expect(remembered.length).toBeGreaterThan(30_000)
    expect(remembered[0]).toBeGreaterThan(many - 5 * 32_768)
    expect(remembered.slice(-1_000)).toEqual(Array.from({ length: 1_000 }, (_, i) => many - 1_000 + i))
  })
})
