import { describe, expect, it } from 'vitest'
import type { Caller } from '../../vocabulary/caller.ts'
import type { CoveringBalance, LimitView, WindowForm } from '../../vocabulary/limit.ts'
import type { Amounts, LimitedCall } from '../../vocabulary/limited-call.ts'
import { LimitBook } from './book.ts'
import { calendarPeriod, cyclePeriod, type Period } from './calendar.ts'
import type { Decision } from './decision.ts'
import { addUp, type Entry } from './history.fixture.ts'
import { type Hold, type Use, usesOf } from './hold.ts'
import { atMost, callerOf, callOf, limitOf, START } from './limits.fixture.ts'
import type { Ticket } from './ticket.ts'

const SEEDS = 300
const STEPS = 80
const CYCLE_FROM = '2026-01-31'
const SLIDING_MS = 60_000

/** Limits of every scope, unit, window and manner, tight enough to be reached. */
const LIMITS = [
  { scope: 'organisation', unit: 'dollars', amount: '3' },
  { scope: 'each:key', unit: 'concurrency', amount: 3 },
  { scope: 'key:a', unit: 'requests', amount: 4, window: { sliding: '1m' } },
  { scope: 'team:red', unit: 'tokens', amount: 4_000, window: { anchored: '5h' } },
  { scope: 'each:user', unit: 'outputTokens', amount: 3_000, window: { calendar: 'day', timezone: 'Asia/Kolkata' } },
  { scope: 'tag:project=atlas', unit: 'dollars', amount: '0.30', window: { calendar: 'week' } },
  { scope: 'organisation', unit: 'inputTokens', amount: 9_000, window: { cycle: 'month', from: CYCLE_FROM } },
  { scope: 'each:run', unit: 'requests', amount: 5 },
  { scope: 'model:big', unit: 'requests', amount: 2, window: { sliding: '1m' }, onReached: { downgrade: 'small' } },
  { scope: 'each:team', unit: 'requests', amount: 2, window: { calendar: 'month' }, onReached: 'warn' },
  { scope: 'key:b', unit: 'concurrency', amount: 1, onReached: 'queue', wait: '30s' },
  { scope: 'key:c', unit: 'requests', amount: 2, window: { sliding: '1m' }, onReached: 'queue', wait: '2m' },
].map(text => limitOf(text))

const DAY_MS = 86_400_000
const ANA = callerOf({ key: 'a', team: 'red', user: 'ana', tags: { project: 'atlas' } })
const BEN = callerOf({ key: 'b', team: 'red', user: 'ben' })
const CIA = callerOf({ key: 'c', user: 'ana' })
const EVE = callerOf({ key: 'd', team: 'blue', user: 'eve' })

/** Every day has its runs, since those of days ago are forgotten. */
function callersOf(now: number): readonly Caller[] {
  const day = Math.floor(now / DAY_MS)
  return [ANA, BEN, CIA, { ...EVE, run: `nightly-${day}` }, { ...EVE, run: `daily-${day}`, tags: { project: 'atlas' } }]
}

const GAPS_MS = [0, 0, 0, 0, 0, 0, 0, 1, 900, 5_000, 20_000, 61_000, 3_600_000]

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

class History {
  readonly #die: (sides: number) => number
  #book = new LimitBook(START)
  #now = START
  #entries: Entry[] = []
  #open: Running[] = []
  #waiting = new Map<Ticket, LimitedCall>()
  /** What is on disk: balances, and calls that were posted after they were taken. */
  #kept = new Map<string, CoveringBalance>()
  #uses = 0
  #journal: { readonly call: LimitedCall; readonly use: Use; readonly number: number }[] = []
  /** Members over their amount because a call used more than it held. */
  readonly #overrun = new Set<string>()
  readonly #resets = new Map<string, number>()

  constructor(seed: number) {
    this.#die = dice(seed)
    for (const limit of LIMITS) this.#book.put(limit, START)
  }

  step(): void {
    this.#now += this.#die(30) === 0 ? this.#die(20) * DAY_MS : GAPS_MS[this.#die(GAPS_MS.length)]!
    const kind = this.#die(20)
    if (kind < 10) this.#ask()
    else if (kind < 14) this.#end()
    else if (kind < 16) this.#extend()
    else if (kind === 16) this.#keep()
    else if (kind === 17 && this.#die(4) === 0) this.#kill()
    else if (kind === 18) this.#book.sweep(this.#now, 50)
    else if (this.#die(2) === 0) {
      count('clock set back')
      this.#now -= 3_600_000
    }
    this.#wake()
    this.#check()
  }

  #worst(): Amounts {
    const outputTokens = [10, 200, 900, 5_000][this.#die(4)]!
    const dollars = this.#die(40) === 0 ? null : BigInt(outputTokens) * 50_000n
    return { dollars, inputTokens: this.#die(300), outputTokens }
  }

  #ask(): void {
    const callers = callersOf(this.#latest)
    const caller = callers[this.#die(callers.length)]!
    const runBudget = caller.run === null ? null : 40_000_000n
    const maxDollars = this.#die(10) === 0 ? 20_000_000n : null
    let call = callOf({}, { caller, model: this.#die(2) ? 'big' : 'small', runBudget, maxDollars })
    const worst = this.#worst()
    const before = JSON.stringify(this.#views())
    let decision = this.#book.decide(call, atMost(worst), this.#now)
    while (decision.kind === 'downgrade') {
      count('downgrade')
      call = { ...call, model: decision.model, skip: decision.skip }
      decision = this.#book.decide(call, atMost(worst), this.#now)
    }
    if (decision.kind === 'queue') {
      count('queue')
      this.#waiting.set(decision.ticket, call)
    } else this.#take(call, worst, decision)
    // A refused call leaves no trace, but that its run's budget is fixed.
    if (decision.kind !== 'admit' && runBudget === null) expect(JSON.stringify(this.#views())).toBe(before)
  }

  #take(call: LimitedCall, worst: Amounts, decision: Decision): void {
    if (decision.kind === 'refuse') {
      count(
        `refuse ${decision.cause}${decision.scope === 'call' ? ' of the call' : ''}${decision.exceedsWhole ? ' whole' : ''}`,
      )
      if (decision.scope.startsWith('run:') && decision.limit === null) count('refuse by the budget of a run')
      return
    }
    if (decision.kind !== 'admit') throw new Error(decision.kind)
    count('admit')
    if (decision.warnings.length > 0) count('warn')
    const entry: Entry = { call, parts: [{ at: decision.hold.at, amounts: worst }], actual: null, state: 'open' }
    this.#entries.push(entry)
    this.#open.push({ hold: decision.hold, entry })
  }

  #end(): void {
    if (this.#open.length === 0) return
    const [{ hold, entry }] = this.#open.splice(this.#die(this.#open.length), 1) as [Running]
    if (this.#die(4) === 0) {
      count('void')
      entry.state = 'voided'
      return this.#book.void(hold, this.#now)
    }
    const factor = this.#die(8) === 0 ? 3 : this.#die(100) / 100
    const held = entry.parts.reduce((sum, { amounts }) => sum + amounts.outputTokens, 0)
    const outputTokens = Math.floor(held * factor)
    const actual = {
      dollars: BigInt(outputTokens) * 50_000n,
      inputTokens: entry.parts[0]!.amounts.inputTokens,
      outputTokens,
    }
    const { overrun } = this.#book.post(hold, actual, this.#now)
    count(overrun === null ? 'post' : 'post beyond the hold')
    if (entry.parts.at(-1)!.at < this.#now - DAY_MS) count('post after its window')
    entry.state = 'posted'
    entry.actual = actual
    for (const use of usesOf(hold, actual)) {
      this.#journal.push({ call: entry.call, use, number: ++this.#uses })
    }
    if (overrun !== null) for (const member of hold.binding.members) this.#overrun.add(idOf(member.view()))
  }

  #extend(): void {
    if (this.#open.length === 0) return
    const { hold, entry } = this.#open[this.#die(this.#open.length)]!
    if (entry.parts[0]!.amounts.dollars === null) return
    const more = { dollars: 10_000_000n, inputTokens: 0, outputTokens: 200 }
    const before = JSON.stringify(this.#views())
    const isExtended = this.#book.extend(hold, more, this.#now)
    count(isExtended ? 'extend' : 'extend in vain')
    if (isExtended) entry.parts.push({ at: Math.max(this.#latest, this.#now), amounts: more })
    else expect(JSON.stringify(this.#views())).toBe(before)
  }

  #wake(): void {
    for (const { ticket, decision } of this.#book.wake(this.#now)) {
      const call = this.#waiting.get(ticket)!
      this.#waiting.delete(ticket)
      count(`woken to ${decision.kind}`)
      const [dollars, , inputTokens, outputTokens] = ticket.need as [number, number, number, number]
      if (decision.kind !== 'downgrade')
        this.#take(call, { dollars: BigInt(dollars), inputTokens, outputTokens }, decision)
    }
    if (this.#waiting.size > 0 && this.#die(9) === 0) {
      const first = [...this.#waiting.keys()][0]!
      expect(this.#book.leave(first)).toBe(true)
      this.#waiting.delete(first)
      count('leave the queue')
    }
    expect(this.#book.size.waiting).toBe(this.#waiting.size)
  }

  #keep(): void {
    const asOf = this.#uses
    for (const balance of this.#book.changes()) this.#kept.set(`${balance.limit} ${balance.member}`, { balance, asOf })
    // Now and then the process dies before it could forget the uses that the balances cover.
    if (this.#die(3) > 0) this.#journal = []
    else count('keep uses that balances cover')
    count('keep')
  }

  /** The process dies, and a new one takes up what is on disk. */
  #kill(): void {
    const before = new Map(this.#views().map(view => [idOf(view), view]))
    const book = new LimitBook(this.#latest)
    for (const limit of LIMITS) book.put(limit, this.#latest)
    const kept = JSON.parse(JSON.stringify([...this.#kept.values()])) as CoveringBalance[]
    book.restore(kept, this.#journal[0]?.number ?? Number.POSITIVE_INFINITY, this.#latest)
    for (const { call, use, number } of [...this.#journal].sort((a, b) => a.use.at - b.use.at))
      book.recount(call, use, number)
    this.#book = book
    this.#entries = this.#entries.filter(entry => entry.state === 'posted')
    this.#open = []
    this.#waiting.clear()
    this.#now = this.#latest
    this.#resets.clear()
    count('kill')
    for (const view of this.#views()) {
      expect(view.held, 'held after a kill').toBe(0)
      const { used } = before.get(idOf(view))!
      // A crowded window may have counted some use longer than it must.
      if (isSliding(view)) expect(view.used).toBeLessThanOrEqual(used)
      else expect(view.used, `used of ${idOf(view)} after a kill`).toBe(used)
    }
  }

  #views(): readonly LimitView[] {
    return callersOf(this.#latest).flatMap(caller => this.#book.view(caller, this.#now, { models: ['big', 'small'] }))
  }

  /** The book's own time: the latest that it was told. */
  get #latest(): number {
    this.#time = Math.max(this.#time, this.#now)
    return this.#time
  }
  #time = START

  #check(): void {
    const now = this.#latest
    for (const view of this.#views()) {
      const { amount, used, held, left } = view
      const id = idOf(view)
      hold(used >= 0 && held >= 0 && left === Math.max(0, amount - used - held), () => `${id} shows ${told(view)}`)
      const mayPass = view.scope.startsWith('team:') && view.unit === 'requests'
      hold(mayPass || this.#overrun.has(id) || used + held <= amount, () => `${id} passed ${amount}: ${told(view)}`)
      const sum = view.unit === 'concurrency' ? addUp(this.#entries, view, 0) : this.#sumOf(view, now)
      hold(used === sum.used && held === sum.held, () => `${id} shows ${told(view)}, and its calls ${told(sum)}`)
      this.#checkReset(view, now)
    }
  }

  /** Few calls are in the sliding windows, so that they are exact too. */
  #sumOf(view: LimitView, now: number): Taken {
    const { window, resetsAt } = view
    let from = 0
    if (isSliding(view)) from = now - SLIDING_MS + 1
    else if (typeof window !== 'object' || window === null) from = 0
    else if ('anchored' in window) from = resetsAt === null ? Number.POSITIVE_INFINITY : resetsAt - 5 * 3_600_000
    else from = periodOf(window, now).start
    return addUp(this.#entries, view, from)
  }

  /** A reset lies ahead, and never moves back. */
  #checkReset(view: LimitView, now: number): void {
    const { resetsAt, window } = view
    if (resetsAt === null) return
    const id = idOf(view)
    hold(resetsAt > now, () => `${id} resets in the past`)
    const last = this.#resets.get(id) ?? 0
    const isPeriodic = typeof window === 'object' && window !== null && ('calendar' in window || 'cycle' in window)
    hold(!isPeriodic || resetsAt >= last, () => `${id} resets earlier than it said`)
    if (last > 0 && resetsAt > last) count(`reset ${Object.keys(window as object)[0]}`)
    this.#resets.set(id, resetsAt)
  }
}

interface Taken {
  readonly used: number
  readonly held: number
}

/** Half a million laws are asked for; a comparison costs a hundredth of an expectation. */
function hold(law: boolean, broken: () => string): void {
  if (!law) throw new Error(broken())
}

function told({ used, held }: Taken): string {
  return `${used} used and ${held} held`
}

const periods = new Map<string, Period>()

/** Reckoned anew only outside of the last one. */
function periodOf(window: WindowForm, now: number): Period {
  const key = JSON.stringify(window)
  const last = periods.get(key)
  if (last !== undefined && last.start <= now && now < last.end) return last
  const isCalendar = typeof window === 'object' && 'calendar' in window
  const period = isCalendar
    ? calendarPeriod(window.calendar, window.timezone ?? 'UTC', now)
    : cyclePeriod(Date.parse(CYCLE_FROM), now)
  periods.set(key, period)
  return period
}

function idOf({ limit, scope, unit }: LimitView): string {
  return `${limit} ${scope} ${unit}`
}

function isSliding({ window }: LimitView): boolean {
  return typeof window === 'object' && window !== null && 'sliding' in window
}

describe(`${SEEDS} seeded histories of ${STEPS} steps each`, () => {
  it('keep every law: nothing passes its amount, all adds up, refusals leave no trace, kills forget nothing', () => {
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
    'refuse rate',
    'refuse quota',
    'refuse quota whole',
    'refuse price',
    'refuse quota of the call whole',
    'refuse by the budget of a run',
    'warn',
    'queue',
    'woken to admit',
    'woken to refuse',
    'leave the queue',
    'downgrade',
    'extend',
    'extend in vain',
    'post',
    'post beyond the hold',
    'post after its window',
    'void',
    'reset sliding',
    'reset anchored',
    'reset calendar',
    'reset cycle',
    'clock set back',
    'keep',
    'kill',
  ])('reached: %s', what => expect(reached.get(what) ?? 0).toBeGreaterThan(10))
})
