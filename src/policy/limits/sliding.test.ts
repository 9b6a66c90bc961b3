import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LimitBook } from './book.ts'
import { atMost, callerOf, callOf, limitOf, only, START } from './limits.fixture.ts'
import { CROWDED_PARTS, EXACT_USES } from './sliding.ts'

const LENGTH_MS = 60_000
const tokensOf = (outputTokens: number) => ({ dollars: 0n, inputTokens: 0, outputTokens })

interface Use {
  readonly at: number
  readonly tokens: number
}

/** What counts at a moment if every use counts exactly so long. */
function within(uses: readonly Use[], now: number, lengthMs: number): number {
  return uses.reduce((sum, { at, tokens }) => sum + (at <= now && now < at + lengthMs ? tokens : 0), 0)
}

function flood(steps: readonly Use[], amount: number): { uses: Use[]; refused: Use[]; entries: number } {
  const book = new LimitBook(START)
  book.put(limitOf({ scope: 'key:ci', unit: 'tokens', amount, window: { sliding: '1m' } }), START)
  const uses: Use[] = []
  const refused: Use[] = []
  let now = START
  for (const { at, tokens } of steps) {
    now += at
    const decision = book.decide(callOf(), atMost(tokensOf(tokens)), now)
    if (decision.kind === 'admit') {
      book.post(decision.hold, tokensOf(tokens), now)
      uses.push({ at: now, tokens })
    } else refused.push({ at: now, tokens })
    const { used, held } = only(book.view(callerOf(), now))
    expect(used + held).toBeGreaterThanOrEqual(within(uses, now, LENGTH_MS))
    expect(used + held).toBeLessThanOrEqual(within(uses, now, LENGTH_MS + LENGTH_MS / CROWDED_PARTS))
  }
  return { uses, refused, entries: [...book.snapshot()][0]?.uses?.length ?? 0 }
}

const steps = (maxGapMs: number, maxTokens: number, most: number) =>
  fc.array(fc.record({ at: fc.nat(maxGapMs), tokens: fc.integer({ min: 1, max: maxTokens }) }), { maxLength: most })

describe('a sliding window', () => {
  it('never admits more than its amount in any stretch of its length, however crowded it is', () => {
    fc.assert(
      fc.property(steps(3_000, 30, 300), all => {
        const { uses } = flood(all, 400)
        for (const { at } of uses) expect(within(uses, at, LENGTH_MS)).toBeLessThanOrEqual(400)
      }),
      { numRuns: 60 },
    )
  })

  it(`is exact while it holds no more than ${EXACT_USES} uses`, () => {
    fc.assert(
      fc.property(steps(20_000, 30, 80), all => {
        const { uses, refused } = flood(all, EXACT_USES - 1)
        for (const { at, tokens } of refused) {
          expect(within(uses, at, LENGTH_MS) + tokens).toBeGreaterThan(EXACT_USES - 1)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('takes no more memory however often it is used', () => {
    const { entries } = flood(
      Array.from({ length: 5_000 }, () => ({ at: 7, tokens: 1 })),
      1_000_000,
    )
    expect(entries).toBeGreaterThan(0)
    expect(entries).toBeLessThanOrEqual(2 * EXACT_USES)
  })
})
