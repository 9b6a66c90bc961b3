import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Amounts } from '../../vocabulary/limited-call.ts'
import type { BurnRates } from '../../vocabulary/plan-burn.ts'
import { burn } from './burn.ts'
import { admitted, atMost, callOf, refused, START } from './limits.fixture.ts'
import { bookOfPlans, byPart, putPlans } from './plans.fixture.ts'

/** Source: Anthropic's priority tier. */
const PRIORITY: BurnRates = {
  weights: { input: 1_000, cachedInput: 100, cacheWrite5m: 1_250, cacheWrite1h: 2_000, output: 1_000 },
  multipliers: { inferenceGeo: { us: 1_100 } },
}
const PARTS = { cachedInputTokens: 80_000, cacheWrite5mTokens: 20_000, cacheWrite1hTokens: 10_000 }
const G9: Amounts = { dollars: 0n, inputTokens: 120_000, outputTokens: 6_000, ...PARTS }
const US = { ...G9, circumstances: { inferenceGeo: 'us' } }

describe('tokens burn a limit', () => {
  it.each([
    ['inputTokens', US, 69_300],
    ['outputTokens', US, 6_600],
    ['tokens', US, 75_900],
    ['inputTokens', G9, 63_000],
    ['inputTokens', { ...G9, circumstances: { inferenceGeo: 'eu' } }, 63_000],
    ['inputTokens', { ...G9, circumstances: { toString: 'us' } }, 63_000],
    ['inputTokens', { dollars: 0n, inputTokens: 120_000, outputTokens: 0 }, 120_000],
  ])('of %s at its rates: %#', (unit, amounts, burnt) => {
    expect(burn(amounts, { unit, rates: PRIORITY, knowledge: 'actual' })).toBe(burnt)
  })

  it('at most at the dearest rate that a call may turn out to have', () => {
    const amounts = { dollars: 0n, inputTokens: 1_000, outputTokens: 10 }
    const at = (known: Partial<Amounts>) =>
      burn({ ...amounts, ...known }, { unit: 'inputTokens', rates: PRIORITY, knowledge: 'atMost' })
    expect(at({})).toBe(2_200)
    expect(at({ circumstances: { inferenceGeo: 'global' } })).toBe(2_000)
    expect(at({ cacheWrite5mTokens: 0 })).toBe(1_100)
  })

  it('rounded up once, after all multipliers', () => {
    const rates = { ...PRIORITY, multipliers: { a: { x: 1_500 }, b: { y: 1_500 } } }
    const amounts = { dollars: 0n, inputTokens: 3, outputTokens: 0, circumstances: { a: 'x', b: 'y' } }
    // 3 × 1.5 × 1.5 = 6.75; rounded after each multiplier it would be 8.
    expect(burn(amounts, { unit: 'inputTokens', rates, knowledge: 'actual' })).toBe(7)
    expect(burn({ ...amounts, inputTokens: 0 }, { unit: 'inputTokens', rates, knowledge: 'actual' })).toBe(0)
  })

  const parts = fc.record({
    plain: fc.nat(1e9),
    read: fc.nat(1e9),
    short: fc.nat(1e9),
    long: fc.nat(1e9),
    out: fc.nat(1e9),
  })
  const weight = fc.nat(20_000)
  const rates = fc.record({
    weights: fc.record({
      input: weight,
      cachedInput: weight,
      cacheWrite5m: weight,
      cacheWrite1h: weight,
      output: weight,
    }),
    multipliers: fc.record({ inferenceGeo: fc.record({ us: weight }), serviceTier: fc.record({ batch: weight }) }),
  })
  const where = fc.constantFrom<Record<string, string>>(
    {},
    { inferenceGeo: 'us' },
    { serviceTier: 'batch' },
    { inferenceGeo: 'us', serviceTier: 'batch' },
  )

  it('never more than was reckoned at most, and exactly what a ledger in fractions says, rounded up', () => {
    fc.assert(
      fc.property(parts, rates, where, ({ plain, read, short, long, out }, table, circumstances) => {
        const whole = { dollars: 0n, inputTokens: plain + read + short + long, outputTokens: out }
        const actual = {
          ...whole,
          cachedInputTokens: read,
          cacheWrite5mTokens: short,
          cacheWrite1hTokens: long,
          circumstances,
        }
        const { weights, multipliers } = table
        let exact = BigInt(plain) * BigInt(weights.input) + BigInt(read) * BigInt(weights.cachedInput)
        exact += BigInt(short) * BigInt(weights.cacheWrite5m) + BigInt(long) * BigInt(weights.cacheWrite1h)
        exact += BigInt(out) * BigInt(weights.output)
        exact *= BigInt(circumstances.inferenceGeo ? multipliers.inferenceGeo.us : 1_000)
        exact *= BigInt(circumstances.serviceTier ? multipliers.serviceTier.batch : 1_000)
        const burnt = burn(actual, { unit: 'tokens', rates: table, knowledge: 'actual' })
        expect(BigInt(burnt)).toBe((exact + 10n ** 9n - 1n) / 10n ** 9n)
        expect(burn(whole, { unit: 'tokens', rates: table, knowledge: 'atMost' })).toBeGreaterThanOrEqual(burnt)
      }),
    )
  })
})

const COMMITTED = {
  subscribers: ['organisation'],
  included: [
    {
      scope: 'plan',
      unit: 'inputTokens',
      amount: 200_000,
      window: { calendar: 'month' },
      weights: { cachedInput: '0.1', cacheWrite5m: '1.25', cacheWrite1h: '2' },
      multipliers: { inferenceGeo: { us: '1.1' } },
    },
  ],
  overflow: [{ scope: 'plan', unit: 'inputTokens', amount: 500_000, window: { calendar: 'month' } }],
}

describe('a limit with rates of its own', () => {
  it('holds the dearest, counts what was burnt, and beside it another counts plainly', () => {
    const book = bookOfPlans({ p: COMMITTED, q: { subscribers: ['key:ci'], limits: COMMITTED.overflow } })
    const hold = admitted(book.decide(callOf(), atMost({ dollars: 0n, inputTokens: 50_000, outputTokens: 0 }), START))
    expect(byPart(book, callOf(), START)).toMatchObject({
      'plan:p included': { held: 110_000 },
      'plan:q limits': { held: 50_000 },
    })
    book.post(hold, US, START)
    expect(byPart(book, callOf(), START)).toMatchObject({
      'plan:p included': { used: 69_300, held: 0 },
      'plan:q limits': { used: 120_000, held: 0 },
    })
  })

  it('flows over to limits that count plainly, and says in a refusal what it would have needed', () => {
    const book = bookOfPlans({ p: COMMITTED })
    const worst = { dollars: 0n, inputTokens: 100_000, outputTokens: 0 }
    const decision = book.decide(callOf(), atMost(worst), START)
    expect(decision).toMatchObject({ kind: 'admit', overflow: ['p'] })
    expect(byPart(book, callOf(), START)).toMatchObject({ 'plan:p overflow': { held: 100_000 } })
    const stopping = bookOfPlans({ p: { ...COMMITTED, overflow: undefined } })
    expect(refused(stopping, callOf(), START, worst)).toMatchObject({ need: 220_000, exceedsWhole: true })
  })

  it('is extended by what more tokens may burn, and gives the rest back', () => {
    const book = bookOfPlans({ p: COMMITTED })
    const more = { dollars: 0n, inputTokens: 10_000, outputTokens: 0 }
    const hold = admitted(book.decide(callOf(), atMost(more), START))
    expect(book.extend(hold, more, START)).toBe(true)
    expect(byPart(book, callOf(), START)).toMatchObject({ 'plan:p included': { held: 44_000 } })
    book.post(hold, { ...more, cachedInputTokens: 10_000 }, START)
    expect(byPart(book, callOf(), START)).toMatchObject({ 'plan:p included': { used: 1_000, held: 0 } })
  })

  it('that was put while a call ran or waited binds the next', () => {
    const book = bookOfPlans({
      q: {
        subscribers: ['key:ci'],
        limits: [{ scope: 'plan', unit: 'concurrency', amount: 1, onReached: 'queue', wait: '1m' }],
      },
    })
    const worst = atMost({ dollars: 0n, inputTokens: 10_000, outputTokens: 0 })
    const running = admitted(book.decide(callOf(), worst, START))
    expect(book.decide(callOf(), worst, START).kind).toBe('queue')
    putPlans(book, { p: COMMITTED })
    book.post(running, { dollars: 0n, inputTokens: 10_000, outputTokens: 0 }, START)
    const [woken] = book.wake(START)
    expect(woken!.decision.kind).toBe('admit')
    expect(byPart(book, callOf(), START)).toMatchObject({ 'plan:p included': { used: 0, held: 22_000 } })
  })
})
