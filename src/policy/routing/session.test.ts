import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OPENING_BYTES, sessionHash } from './session.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('a session', () => {
  it('has one number, whole and below 2^53, and none without run and opening', () => {
    fc.assert(
      fc.property(fc.string(), fc.option(fc.string()), fc.uint8Array(), (key, run, opening) => {
        const session = sessionHash(key, run, opening)
        expect(Number.isSafeInteger(session) && session > 0).toBe(true)
        expect(sessionHash(key, run, Uint8Array.from(opening))).toBe(session)
      }),
    )
    expect(sessionHash('ci', null, null)).toBe(0)
  })

  it('is the run where there is one, whatever the calls say', () => {
    expect(sessionHash('ci', 'run-1', bytes('a'))).toBe(sessionHash('ci', 'run-1', bytes('b')))
  })

  it('is otherwise how the call begins, as far as that is looked at', () => {
    const opening = 'x'.repeat(OPENING_BYTES)
    expect(sessionHash('ci', null, bytes(`${opening}a`))).toBe(sessionHash('ci', null, bytes(`${opening}b`)))
    expect(sessionHash('ci', null, bytes(`a${opening}`))).not.toBe(sessionHash('ci', null, bytes(`b${opening}`)))
  })

  it('is told apart by key, run and each byte of the opening', () => {
    const seen = new Set<number>()
    let made = 0
    const add = (session: number) => {
      seen.add(session)
      made++
    }
    for (let i = 0; i < 20_000; i++) {
      add(sessionHash(`key-${i}`, 'run', null))
      add(sessionHash('key', `run-${i}`, null))
      add(sessionHash('key', null, bytes(`{"messages":[{"role":"user","content":"Question ${i}"}]}`)))
    }
    add(sessionHash('a', 'b', null))
    add(sessionHash('ab', '', null))
    add(sessionHash('', 'ab', null))
    add(sessionHash('ab', null, bytes('')))
    add(sessionHash('a', null, bytes('b')))
    for (let i = 0; i < 300; i++) {
      for (const bit of [1, 128]) {
        const opening = new Uint8Array(300)
        opening[i] = bit
        add(sessionHash('key', null, opening))
      }
    }
    expect(seen.size).toBe(made)
  })

  it('spreads over the low bits, by which tables are searched', () => {
    const counts = new Array<number>(64).fill(0)
    for (let i = 0; i < 64_000; i++) counts[sessionHash('key', `${i}`, null) % 64]!++
    expect(Math.min(...counts)).toBeGreaterThan(800)
    expect(Math.max(...counts)).toBeLessThan(1_200)
  })
})
