import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_TIERS, type Tier } from '../../vocabulary/tier.ts'
import { decideSpill, type SpillAsk } from './spill.ts'

const [INTERACTIVE, , BATCH] = DEFAULT_TIERS as readonly [Tier, Tier, Tier]

/** A tenth of a cent more, for a target that is worth a cent. */
const ASK: SpillAsk = {
  tier: INTERACTIVE,
  waitedMs: 0,
  mostWaitMs: 60_000,
  expectedWaitMs: null,
  expectedPrefillMs: 100,
  moreDollars: 1_000_000n,
  isFull: false,
}

function spilt(ask: Partial<SpillAsk>) {
  const decision = decideSpill({ ...ASK, ...ask })
  return 'spill' in decision ? decision.spill : null
}

function recheck(ask: Partial<SpillAsk>) {
  const decision = decideSpill({ ...ASK, ...ask })
  return 'spill' in decision ? 'spill' : decision.recheckInMs
}

const asked: fc.Arbitrary<SpillAsk> = fc.record({
  tier: fc.record({
    name: fc.constant('t'),
    weight: fc.constant(1),
    timeToFirstTokenMs: fc.integer({ min: 1, max: 20_000 }),
    missedTargetDollars: fc.bigInt({ min: 0n, max: 10n ** 10n }),
  }),
  waitedMs: fc.nat(20_000),
  mostWaitMs: fc.nat(60_000),
  expectedWaitMs: fc.option(fc.nat(100_000)),
  expectedPrefillMs: fc.nat(5_000),
  moreDollars: fc.bigInt({ min: -(10n ** 6n), max: 10n ** 10n }),
  isFull: fc.constant(false),
})

describe('a call that waits', () => {
  it('spills when the wait that is expected would miss its target, and tells the sum', () => {
    expect(spilt({ expectedWaitMs: 30_000, waitedMs: 50 })).toEqual({
      why: 'target',
      expectedMs: 30_150,
      targetMs: 1_000,
      harmDollars: BigInt(Math.floor(1e7 * Math.exp(-850 / 30_000))),
      moreDollars: 1_000_000n,
    })
  })

  it('stays while a short wait is expected, and asks again when a miss would have become likely enough', () => {
    // A chance of a tenth is worth the difference: 900 ms - 100 ms × ln 10.
    expect(recheck({ expectedWaitMs: 100 })).toBe(670)
    expect(recheck({ expectedWaitMs: 100, waitedMs: 669 })).toBe(1)
    expect(recheck({ expectedWaitMs: 100, waitedMs: 670 })).toBe('spill')
  })

  it('is taken to wait as long again as it has where nothing is known of waits', () => {
    // 900 ms / (1 + ln 10).
    expect(recheck({})).toBe(273)
    expect(recheck({ waitedMs: 273 })).toBe('spill')
    expect(spilt({ waitedMs: 273 })?.expectedMs).toBeNull()
  })

  it('never spills for its target when missing it is worth no more than the difference, or nobody knows that', () => {
    const late = { waitedMs: 5_000, expectedWaitMs: 60_000 }
    expect(recheck({ ...late, moreDollars: 10_000_000n })).toBeNull()
    expect(recheck({ ...late, moreDollars: 9_999_999n })).toBe('spill')
    expect(recheck({ ...late, moreDollars: null })).toBeNull()
    expect(recheck({ ...late, tier: { ...INTERACTIVE, missedTargetDollars: 0n } })).toBeNull()
  })

  it('spills at once where the hosted deployment is cheaper', () => {
    expect(spilt({ moreDollars: -1n })?.harmDollars).toBe(0n)
  })

  it('never spills without a target, however late, cheap or full', () => {
    fc.assert(
      fc.property(asked, fc.boolean(), (ask, isFull) => {
        expect(decideSpill({ ...ask, tier: BATCH, isFull })).toEqual({ recheckInMs: null })
      }),
    )
  })

  it('spills from a full queue whatever that costs', () => {
    expect(spilt({ isFull: true, moreDollars: null })).toEqual({
      why: 'full',
      expectedMs: null,
      targetMs: 1_000,
      harmDollars: null,
      moreDollars: null,
    })
    expect(spilt({ isFull: true, moreDollars: 10n ** 12n, expectedWaitMs: 100 })).toMatchObject({
      why: 'full',
      expectedMs: 200,
      harmDollars: 1_234n,
    })
  })

  it('has spilt by the time that its first token could not come within the target any more, if that is worth it', () => {
    fc.assert(
      fc.property(asked, ask => {
        const waitedMs = Math.max(0, ask.tier.timeToFirstTokenMs! - ask.expectedPrefillMs)
        const isWorth = ask.tier.missedTargetDollars > ask.moreDollars!
        expect(spilt({ ...ask, waitedMs }) !== null).toBe(isWorth)
      }),
    )
  })

  it('has spilt by the time that it would be refused, if that is worth it', () => {
    expect(recheck({ expectedWaitMs: 100, mostWaitMs: 300 })).toBe(70)
    expect(spilt({ expectedWaitMs: 0, mostWaitMs: 0 })?.why).toBe('target')
    expect(recheck({ expectedWaitMs: 0, mostWaitMs: 0, moreDollars: 10_000_000n })).toBeNull()
  })

  it('asks again at the first moment at which time alone has changed the answer', () => {
    fc.assert(
      fc.property(asked, ask => {
        const inMs = recheck(ask)
        if (inMs === 'spill' || inMs === null) return
        const askedIn = (ms: number) => ({ ...ask, waitedMs: ask.waitedMs + ms, mostWaitMs: ask.mostWaitMs - ms })
        expect(recheck(askedIn(inMs))).toBe('spill')
        if (inMs > 3) expect(recheck(askedIn(inMs - 3))).not.toBe('spill')
      }),
      { numRuns: 2_000 },
    )
  })

  it('never stays for more harm, a longer wait or a smaller difference', () => {
    fc.assert(
      fc.property(asked, fc.nat(10_000), (ask, more) => {
        if (spilt(ask) === null) return
        if (ask.expectedWaitMs !== null)
          expect(spilt({ ...ask, expectedWaitMs: ask.expectedWaitMs + more })).not.toBeNull()
        expect(spilt({ ...ask, waitedMs: ask.waitedMs + more })).not.toBeNull()
        expect(spilt({ ...ask, moreDollars: ask.moreDollars! - BigInt(more) })).not.toBeNull()
      }),
    )
  })
})
