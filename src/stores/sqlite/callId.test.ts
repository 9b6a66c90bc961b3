import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { callIdToInteger, encodeCallId, ID_EPOCH_MS } from '../../vocabulary/id.ts'
import { parseCallId, smallestIdAt } from './callId.ts'

function integerOf(id: string): bigint | null {
  const parsed = { sinceEpochMs: 0, low: 0 }
  return parseCallId(id, parsed) ? (BigInt(parsed.sinceEpochMs) << 22n) | BigInt(parsed.low) : null
}

describe('ids in numbers', () => {
  it('are the integer of the vocabulary', () => {
    const ids = fc.tuple(fc.nat({ max: 2 ** 41 - 1 }), fc.nat({ max: 2 ** 22 - 1 }))
    fc.assert(
      fc.property(ids, ([sinceEpochMs, low]) => {
        const id = encodeCallId(sinceEpochMs, low)
        expect(integerOf(id)).toBe(callIdToInteger(id))
      }),
    )
  })

  it('refuse what the vocabulary refuses', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdefghijklmnopqrstuvwxyzé'), minLength: 14, maxLength: 14 }),
    )
    fc.assert(
      fc.property(texts, text => {
        expect(integerOf(`pen_${text}`)).toBe(callIdToInteger(`pen_${text}`))
      }),
      { numRuns: 1_000 },
    )
    for (const text of ['', 'pen_', 'pan_00000000000000', 'pen_zzzzzzzzzzzzzz', 'pen_0000000000000000']) {
      expect(integerOf(text)).toBeNull()
    }
  })

  it('of a time are the smallest that a call of that time has, and never beyond what SQLite compares', () => {
    expect(smallestIdAt(ID_EPOCH_MS + 7)).toBe(callIdToInteger(encodeCallId(7, 0)))
    expect(smallestIdAt(ID_EPOCH_MS + 6.5)).toBe(callIdToInteger(encodeCallId(7, 0)))
    expect(smallestIdAt(0)).toBe(0n)
    expect(smallestIdAt(Number.POSITIVE_INFINITY)).toBe(2n ** 63n - 1n)
  })
})
