import { describe, expect, it } from 'vitest'
import type { CoveringBalance, Limit, LimitView } from '../../vocabulary/limit.ts'
import type { Amounts, LimitedCall } from '../../vocabulary/limited-call.ts'
import { LimitBook } from './book.ts'
import { calendarPeriod } from './calendar.ts'
import type { Decision } from './decision.ts'
import { type Hold, type Use, usesOf } from './hold.ts'
import { atMost, callOf, START } from './limits.fixture.ts'
import { planLimits } from './plans.fixture.ts'
import {
  addUp,
  blue,
  CALLERS,
  countOf,
  counts,
  DAY_MS,
  type Entry,
  HOUR_MS,
  OWN,
  RED,
} from './plans.history.fixture.ts'
import type { Ticket } from './ticket.ts'

const SEEDS = 150
const STEPS = 80
const GAPS_MS = [0, 0, 0, 0, 0, 1, 900, 20_000, 61_000, HOUR_MS]

/** How often each thing happened, over all histories. */
const reached = new Map<string, number>()
function count(what: string): void {
  reached.set(what, (reached.get(what) ?? 0) + 1)
}

/** Mulberry32: the same seed, the same history. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return sides => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides
  }
}

interface Running {
  readonly hold: Hold
  readonly entry: Entry
}

interface Kept {
  readonly call: LimitedCall
  readonly use: Use
  readonly number: number
}

class History {
  readonly #die: (sides: number) => number
  #limits: readonly Limit[] = [OWN, ...planLimits('red', RED), ...planLimits('blue', blue(2))]
  #book: LimitBook
  #now = START
  #latest = START
  #entries: Entry[] = []
  #open: Running[] = []
  #waiting = new Map<Ticket, LimitedCall>()
  #kept = new Map<string, CoveringBalance>()
  #uses = 0
  #journal: Kept[] = []
  /** Members over their amount because a call used more than it held. */
  readonly #overrun = new Set<string>()
  readonly #paid = new Map<string, { readonly amount: number; readonly until: number }>()

  constructor(seed: number) {
    this.#die = dice(seed)
    this.#book = this.#newBook()
  }

  #newBook(): LimitBook {
    const book = new LimitBook(this.#latest)
    for (const limit of this.#limits) book.put(limit, this.#latest)
    return book
  }

  step(): void {
    this.#now += this.#die(25) === 0 ? this.#die(4) * DAY_MS : GAPS_MS[this.#die(GAPS_MS.length)]!
    this.#latest = Math.max(this.#latest, this.#now)
    this.#book.sweep(this.#now, 5)
    const kind = this.#die(20)
    if (kind < 11) this.#ask()
    else if (kind < 14) this.#end()
    else if (kind < 16) this.#extend()
    else if (kind === 16) this.#keep()
    else if (kind === 17 && this.#die(3) === 0) this.#kill()
    else if (kind === 18) this.#reseat()
    else if (this.#die(2) === 0) this.#now -= HOUR_MS
    this.#wake()
    this.#check()
  }

  #ask(): void {
    const outputTokens = [10, 200, 900, 3_000][this.#die(4)]!
    const worst = { dollars: BigInt(outputTokens) * 50_000n, inputTokens: this.#die(300), outputTokens }
    const call = callOf({}, { caller: CALLERS[this.#die(CALLERS.length)]!, model: this.#die(2) ? 'big' : 'small' })
    const before = this.#views()
    const decision = this.#book.decide(call, atMost(worst), this.#now)
    if (decision.kind === 'queue') {
      count('queue')
      this.#waiting.set(decision.ticket, call)
    } else this.#take(call, worst, decision)
    if (decision.kind === 'admit') this.#checkCourse(call, worst, { before, overflow: decision.overflow })
    else expect(JSON.stringify(this.#views())).toBe(JSON.stringify(before))
  }

  /** A call is on the overflow of a plan exactly where what the plan includes had no room for it. */
  #checkCourse(
    call: LimitedCall,
    worst: Amounts,
    { before, overflow }: { readonly before: readonly LimitView[]; readonly overflow: readonly string[] },
  ): void {
    for (const plan of ['red', 'blue']) {
      const included = before.filter(view => {
        const limit = this.#limitOf(view)
        return view.plan === plan && view.part === 'included' && counts(limit, view.scope, { call }, [])
      })
      const isFull = included.some(
        view => view.used + view.held + countOf(this.#limitOf(view), worst, true) > view.amount,
      )
      hold(isFull === overflow.includes(plan), () => `${plan} overflows: ${overflow}, and it is full: ${isFull}`)
    }
  }

  #take(call: LimitedCall, worst: Amounts, decision: Decision): void {
    count(decision.kind === 'refuse' ? `refuse by ${decision.part ?? 'a limit'}` : decision.kind)
    if (decision.kind !== 'admit') return
    if (decision.overflow.length > 0) count(`overflow of ${decision.overflow.join(' and ')}`)
    const parts = [{ at: decision.hold.at, amounts: worst, overflow: decision.overflow }]
    const entry: Entry = { call, parts, actual: null, state: 'open' }
    this.#entries.push(entry)
    this.#open.push({ hold: decision.hold, entry })
  }

  #end(): void {
    if (this.#open.length === 0) return
    const [{ hold: held, entry }] = this.#open.splice(this.#die(this.#open.length), 1) as [Running]
    if (this.#die(4) === 0) {
      entry.state = 'voided'
      return this.#book.void(held, this.#now)
    }
    const factor = this.#die(8) === 0 ? 3 : this.#die(101) / 100
    const most = entry.parts.reduce((sum, { amounts }) => sum + amounts.outputTokens, 0)
    const { inputTokens } = entry.parts[0]!.amounts
    const outputTokens = Math.floor(most * factor)
    const cachedInputTokens = this.#die(inputTokens + 1)
    const actual = { dollars: BigInt(outputTokens) * 50_000n, inputTokens, outputTokens, cachedInputTokens }
    const { overrun } = this.#book.post(held, actual, this.#now)
    entry.state = 'posted'
    entry.actual = actual
    for (const use of usesOf(held, actual)) this.#journal.push({ call: entry.call, use, number: ++this.#uses })
    if (overrun === null) return count('post')
    count('post beyond the hold')
    for (const { binding } of held.parts) for (const member of binding.members) this.#overrun.add(idOf(member.view()))
  }

  #extend(): void {
    if (this.#open.length === 0) return
    const { hold: held, entry } = this.#open[this.#die(this.#open.length)]!
    const more = { dollars: 40_000_000n, inputTokens: 0, outputTokens: 800 }
    const before = JSON.stringify(this.#views())
    if (!this.#book.extend(held, more, this.#now)) {
      count('extend in vain')
      return expect(JSON.stringify(this.#views())).toBe(before)
    }
    const { at, overflow } = held.last
    count(overflow.length > entry.parts.at(-1)!.overflow.length ? 'extend into the overflow' : 'extend')
    entry.parts.push({ at, amounts: more, overflow })
  }

  #wake(): void {
    for (const { ticket, decision } of this.#book.wake(this.#now)) {
      const call = this.#waiting.get(ticket)!
      this.#waiting.delete(ticket)
      count(`woken to ${decision.kind}`)
      this.#take(call, ticket.amounts, decision)
    }
  }

  /** More seats count at once, fewer from the next day. */
  #reseat(): void {
    const seats = 1 + this.#die(4)
    count('reseat')
    this.#limits = [OWN, ...planLimits('red', RED), ...planLimits('blue', blue(seats))]
    for (const limit of planLimits('blue', blue(seats))) this.#book.put(limit, this.#now)
    this.#keep()
  }

  #keep(): void {
    const asOf = this.#uses
    for (const balance of this.#book.changes()) this.#kept.set(`${balance.limit} ${balance.member}`, { balance, asOf })
    // Now and then the process dies before it could forget the uses that the balances cover.
    if (this.#die(3) > 0) this.#journal = []
  }

  /** The process dies, and a new one takes up what is on disk. */
  #kill(): void {
    count('kill')
    const before = new Map(this.#views().map(view => [idOf(view), view]))
    const grants = JSON.stringify(this.#drawn())
    const book = this.#newBook()
    const [kept, journal] = JSON.parse(JSON.stringify([[...this.#kept.values()], this.#journal], dollarsAsText)) as [
      CoveringBalance[],
      Kept[],
    ]
    book.restore(kept, journal[0]?.number ?? Number.POSITIVE_INFINITY, this.#latest)
    for (const { call, use, number } of journal.sort((a, b) => a.use.at - b.use.at)) book.recount(call, use, number)
    this.#book = book
    this.#entries = this.#entries.filter(entry => entry.state === 'posted')
    this.#open = []
    this.#waiting.clear()
    this.#now = this.#latest
    for (const view of this.#views()) {
      const { used, amount } = before.get(idOf(view))!
      hold(view.held === 0, () => `${idOf(view)} holds something after a kill`)
      hold(view.used === used, () => `${idOf(view)} shows ${view.used} after a kill, and ${used} before`)
      // What calls that died held of credits that are over has expired with them.
      const isKept = this.#limitOf(view).grants === undefined ? view.amount === amount : view.amount <= amount
      hold(isKept, () => `${idOf(view)} has ${view.amount} after a kill, and ${amount} before`)
    }
    expect(JSON.stringify(this.#drawn())).toBe(grants)
  }

  #drawn(): readonly unknown[] {
    return this.#grants()
      .flatMap(({ scope, grants }) =>
        grants.map(({ id, used }) => [scope, id, used]).filter(([, , used]) => used !== 0),
      )
      .map(each => JSON.stringify(each))
      .sort()
  }

  #grants() {
    return this.#limits
      .filter(({ grants }) => grants !== undefined)
      .flatMap(({ id }) => [...this.#book.grants(id, this.#now)])
  }

  #views(): readonly LimitView[] {
    const views = CALLERS.flatMap(caller => this.#book.view(caller, this.#now))
    return [...new Map(views.map(view => [`${view.limit} ${view.scope}`, view])).values()]
  }

  #limitOf({ limit }: LimitView): Limit {
    return this.#limits.find(({ id }) => id === limit)!
  }

  #check(): void {
    for (const view of this.#views()) {
      const { amount, used, held, left, scope } = view
      const id = idOf(view)
      hold(
        used >= 0 && held >= 0 && left === Math.max(0, amount - used - held),
        () => `${id} shows ${JSON.stringify(view)}`,
      )
      hold(this.#overrun.has(id) || used + held <= amount, () => `${id} passed ${amount}: ${used} and ${held}`)
      const limit = this.#limitOf(view)
      const sum = addUp(this.#entries, limit, scope, this.#fromOf(view, limit))
      hold(
        used === sum.used && held === sum.held,
        () => `${id} shows ${used} and ${held}, and calls ${JSON.stringify(sum)}`,
      )
      if (limit.lowersNextPeriod) this.#checkPaid(view)
    }
    for (const { scope, grants } of this.#grants()) {
      for (const { id, amount, used, remaining, expired } of grants) {
        if (expired > 0) count(`expired ${id}`)
        hold(used + remaining + expired === amount && Math.min(used, remaining, expired) >= 0, () => `${scope} ${id}`)
      }
    }
  }

  #checkPaid(view: LimitView): void {
    const id = idOf(view)
    const last = this.#paid.get(id)
    const until = view.resetsAt!
    if (last !== undefined && last.until === until) {
      hold(view.amount >= last.amount, () => `${id} lost seats that were paid for`)
      if (view.amount > this.#limitOf(view).amount) count('seats kept until the period is over')
    }
    this.#paid.set(id, { amount: view.amount, until })
  }

  #fromOf({ resetsAt }: LimitView, { window }: Limit): number {
    if (window.kind === 'anchored') return resetsAt === null ? Number.POSITIVE_INFINITY : resetsAt - window.lengthMs
    return window.kind === 'calendar' ? calendarPeriod(window.period, window.timezone, this.#latest).start : 0
  }
}

function dollarsAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

/** Many laws are asked for; a comparison costs a hundredth of an expectation. */
function hold(law: boolean, broken: () => string): void {
  if (!law) throw new Error(broken())
}

function idOf({ limit, scope, unit }: LimitView): string {
  return `${limit} ${scope} ${unit}`
}

describe(`${SEEDS} seeded histories of plans of ${STEPS} steps each`, () => {
  it('keep every law: allowance before overflow, nothing passed, all adds up, kills forget nothing', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const history = new History(seed)
      for (let i = 0; i < STEPS; i++) {
        try {
          history.step()
        } catch (error) {
          throw new Error(`seed ${seed}, step ${i}: ${(error as Error).message}`, { cause: error })
        }
      }
    }
  })

  it.each([
    'admit',
    'overflow of red',
    'overflow of blue',
    'overflow of red and blue',
    'refuse by limits',
    'refuse by included',
    'refuse by overflow',
    'refuse by a limit',
    'queue',
    'woken to admit',
    'woken to refuse',
    'post',
    'post beyond the hold',
    'extend',
    'extend into the overflow',
    'extend in vain',
    'reseat',
    'seats kept until the period is over',
    'expired gift',
    'expired first',
    'kill',
  ])('reached: %s', what => expect(reached.get(what) ?? 0).toBeGreaterThan(10))
})
