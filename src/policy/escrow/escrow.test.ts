import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { COUNTER_ACCOUNT, Escrow, type HoldId } from './escrow.ts'

describe('a hold', () => {
  it('is pending until it is posted, and posting returns the unused part', () => {
    const escrow = new Escrow()
    const hold = escrow.hold('ci', 100n)
    expect(escrow.balance('ci')).toEqual({ account: 'ci', pending: 100n, posted: 0n })
    expect(escrow.post(hold, 30n)).toEqual({ posted: 30n, returned: 70n, overrun: 0n })
    expect(escrow.balance('ci')).toEqual({ account: 'ci', pending: 0n, posted: 30n })
  })

  it('goes back whole when it is voided', () => {
    const escrow = new Escrow()
    escrow.void(escrow.hold('ci', 100n))
    expect(escrow.balance('ci')).toEqual({ account: 'ci', pending: 0n, posted: 0n })
  })

  it('may be exceeded: all of it is posted, and what was beyond is told', () => {
    const escrow = new Escrow()
    expect(escrow.post(escrow.hold('ci', 100n), 130n)).toEqual({ posted: 130n, returned: 0n, overrun: 30n })
    expect(escrow.balance('ci').posted).toBe(130n)
  })

  it.each(['post', 'void'] as const)('resolves once, not again after %s', first => {
    const escrow = new Escrow()
    const hold = escrow.hold('ci', 100n)
    if (first === 'post') escrow.post(hold, 50n)
    else escrow.void(hold)
    const before = escrow.balances()
    expect(() => escrow.post(hold, 1n)).toThrow(/resolved already/)
    expect(() => escrow.void(hold)).toThrow(/resolved already/)
    expect(escrow.balances()).toEqual(before)
  })

  it('belongs to the escrow that made it', () => {
    const elsewhere = new Escrow().hold('ci', 1n)
    expect(() => new Escrow().void(elsewhere)).toThrow(/made elsewhere/)
    expect(() => new Escrow().post({ account: 'ci', amount: 1n }, 1n)).toThrow(/made elsewhere/)
  })

  it('is never negative, nor is what is posted, and a wrong posting leaves it open', () => {
    const escrow = new Escrow()
    expect(() => escrow.hold('ci', -1n)).toThrow(RangeError)
    const hold = escrow.hold('ci', 5n)
    expect(() => escrow.post(hold, -1n)).toThrow(RangeError)
    expect(escrow.post(hold, 5n).posted).toBe(5n)
  })

  it('of nothing may be held, posted and voided', () => {
    const escrow = new Escrow()
    expect(escrow.post(escrow.hold('ci', 0n), 0n)).toEqual({ posted: 0n, returned: 0n, overrun: 0n })
    escrow.void(escrow.hold('ci', 0n))
    expect(escrow.balance('nobody')).toEqual({ account: 'nobody', pending: 0n, posted: 0n })
  })
})

type Step =
  | { readonly kind: 'hold'; readonly account: string; readonly amount: bigint }
  | { readonly kind: 'post'; readonly which: number; readonly used: bigint }
  | { readonly kind: 'void'; readonly which: number }

const amount = fc.bigInt({ min: 0n, max: 10n ** 15n })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('hold' as const), account: fc.constantFrom('a', 'b', 'c'), amount }),
  fc.record({ kind: fc.constant('post' as const), which: fc.nat(), used: amount }),
  fc.record({ kind: fc.constant('void' as const), which: fc.nat() }),
)

/** What must be pending and posted, by the plainest bookkeeping. */
class Ledger {
  readonly open: HoldId[] = []
  readonly posted = new Map<string, bigint>()

  pending(account: string): bigint {
    return this.open.filter(hold => hold.account === account).reduce((sum, hold) => sum + hold.amount, 0n)
  }
}

function take(escrow: Escrow, ledger: Ledger, step: Step): void {
  if (step.kind === 'hold') {
    ledger.open.push(escrow.hold(step.account, step.amount))
    return
  }
  if (ledger.open.length === 0) return
  const [hold] = ledger.open.splice(step.which % ledger.open.length, 1)
  if (step.kind === 'void') return escrow.void(hold!)
  const posting = escrow.post(hold!, step.used)
  expect(posting.posted + posting.returned - posting.overrun).toBe(hold!.amount)
  ledger.posted.set(hold!.account, (ledger.posted.get(hold!.account) ?? 0n) + posting.posted)
}

describe('whatever is held, posted and voided', () => {
  it('conserves money: pending and posted are what the open holds and the postings say, and all balances sum to zero', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const escrow = new Escrow()
        const ledger = new Ledger()
        for (const each of steps) {
          take(escrow, ledger, each)
          const balances = escrow.balances()
          expect(balances.reduce((sum, { pending }) => sum + pending, 0n)).toBe(0n)
          expect(balances.reduce((sum, { posted }) => sum + posted, 0n)).toBe(0n)
          for (const { account, pending, posted } of balances) {
            if (account === COUNTER_ACCOUNT) continue
            expect(pending).toBe(ledger.pending(account))
            expect(posted).toBe(ledger.posted.get(account) ?? 0n)
            expect(pending >= 0n).toBe(true)
          }
        }
      }),
    )
  })
})
