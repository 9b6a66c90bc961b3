import { describe, expect, it } from 'vitest'
import { Expectations } from './expectation.ts'

function learnt(tokens: readonly number[]): Expectations {
  const expectations = new Expectations()
  for (const count of tokens) expectations.learn('ci', 'fast', count)
  return expectations
}

describe('what an answer will probably have', () => {
  it.each([
    [100, 100],
    [200, 200],
    [400, 200],
    [4_000, 200],
    [8_000, 400],
    [32_000, 1_000],
  ])('of at most %i tokens is assumed to be %i, where nothing was learnt', (most, outputTokens) => {
    expect(new Expectations().expect('ci', 'fast', most)).toEqual({ outputTokens, isLearnt: false })
  })

  it('is a quarter more than the longest of the last answers, once there were eight', () => {
    const seven = [10, 20, 80, 40, 50, 60, 70]
    expect(learnt(seven).expect('ci', 'fast', 4_000).isLearnt).toBe(false)
    const expectations = learnt([...seven, 30])
    expect(expectations.expect('ci', 'fast', 4_000)).toEqual({ outputTokens: 100, isLearnt: true })
    expect(expectations.expect('ci', 'fast', 60)).toEqual({ outputTokens: 60, isLearnt: true })
    for (let i = 0; i < 32; i++) expectations.learn('ci', 'fast', 8)
    expect(expectations.expect('ci', 'fast', 4_000).outputTokens).toBe(10)
  })

  it('is learnt apart for each key and model, and is at least one token', () => {
    const expectations = learnt(Array.from({ length: 8 }, () => 0))
    expect(expectations.expect('ci', 'fast', 4_000).outputTokens).toBe(1)
    expect(expectations.expect('cd', 'fast', 4_000).isLearnt).toBe(false)
    expect(expectations.expect('ci', 'slow', 4_000).isLearnt).toBe(false)
  })

  it('shows tokens by the bytes that those of its model had, between one byte a token and eight', () => {
    const expectations = new Expectations()
    expect(expectations.shownTokens('fast', 340)).toBe(100)
    expectations.learnBytes('fast', 100, 500)
    expect([expectations.shownTokens('fast', 500), expectations.shownTokens('slow', 340)]).toEqual([100, 100])
    expectations.learnBytes('fast', 100, 600)
    expect(expectations.shownTokens('fast', 510)).toBe(100)
    expectations.learnBytes('slow', 1_000, 10)
    expect(expectations.shownTokens('slow', 10)).toBe(10)
    expectations.learnBytes('quick', 1, 1_000)
    expect(expectations.shownTokens('quick', 80)).toBe(10)
  })
})
