import type { LimitBook } from '../../policy/limits/book.ts'
import type { Use } from '../../policy/limits/hold.ts'
import type { LimitStore } from '../../ports/ledger.ts'
import type { EpochMs } from '../../units/time.ts'
import type { Caller } from '../../vocabulary/caller.ts'
import type { Quantity } from '../../vocabulary/limit.ts'
import type { LimitedCall } from '../../vocabulary/limited-call.ts'

/** Keeps what calls used until balances cover it. */
export interface UseLog {
  keep(call: LimitedCall, uses: readonly Use[]): void
  /** Keeps that a refused call fixed the budget of its run. */
  keepBudget(call: LimitedCall, at: EpochMs): void
}

/** A call with one of its uses, as it is kept: a list, since names of fields would be most of it. */
type KeptUse = readonly [
  caller: readonly [string, string | null, string | null, Readonly<Record<string, string>>, string | null],
  model: string,
  upstreams: readonly string[],
  runBudget: string | null,
  skip: readonly string[],
  at: EpochMs,
  amounts: readonly Quantity[],
  byUpstream: Use['byUpstream'],
  opened: Use['opened'],
  /** Absent where plans make nothing of it, as in what was kept before there were any. */
  plan?: Use['plan'],
]

const NOTHING: readonly Quantity[] = [0, 0, 0, 0, 0, 0]

function textOf({ caller, model, upstreams, runBudget, skip }: LimitedCall, use: Use): string {
  const { key, team, user, tags, run } = caller
  const kept: KeptUse = [
    [key, team, user, tags, run],
    model,
    upstreams,
    runBudget === null ? null : runBudget.toString(),
    skip,
    use.at,
    use.amounts,
    // Which upstream used what says more than the whole only where there are several.
    upstreams.length > 1 ? use.byUpstream : null,
    use.opened,
  ]
  return JSON.stringify(use.plan ? [...kept, use.plan] : kept)
}

function readText(text: string): { readonly call: LimitedCall; readonly use: Use } {
  const [[key, team, user, tags, run], model, upstreams, runBudget, skip, at, amounts, byUpstream, opened, plan] =
    JSON.parse(text) as KeptUse
  const caller: Caller = { key, team, user, tags, run }
  const budget = runBudget === null ? null : BigInt(runBudget)
  return {
    call: { caller, model, upstreams, runBudget: budget, maxDollars: null, skip },
    use: { at, amounts, byUpstream, opened, plan: plan ?? null },
  }
}

/** Numbers uses and hands them to the store. */
export class NumberedUses implements UseLog {
  readonly #store: Pick<LimitStore, 'keepUse'>
  #last: number

  constructor(store: Pick<LimitStore, 'keepUse' | 'lastSeq'>) {
    this.#store = store
    this.#last = store.lastSeq
  }

  /** Number of the last use that was kept. */
  get last(): number {
    return this.#last
  }

  keep(call: LimitedCall, uses: readonly Use[]): void {
    for (const use of uses) this.#store.keepUse({ seq: ++this.#last, text: textOf(call, use) })
  }

  keepBudget(call: LimitedCall, at: EpochMs): void {
    this.keep(call, [{ at, amounts: NOTHING, byUpstream: null, opened: {} }])
  }
}

/** Brings a book to where it was when the last record was written. Limits must be in it already. */
export function recover(book: LimitBook, store: Pick<LimitStore, 'balances' | 'uses'>, now: EpochMs): void {
  const uses = [...store.uses()].map(({ seq, text }) => ({ seq, ...readText(text) }))
  book.restore(store.balances(), uses[0]?.seq ?? Number.POSITIVE_INFINITY, now)
  // In the order of time: an earlier use tells when a window opened.
  uses.sort((a, b) => a.use.at - b.use.at)
  for (const { call, use, seq } of uses) book.recount(call, use, seq)
}
