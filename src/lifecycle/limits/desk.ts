import type { LimitBook } from '../../policy/limits/book.ts'
import type { Decision } from '../../policy/limits/decision.ts'
import { type Hold, usesOf } from '../../policy/limits/hold.ts'
import type { LeasedSlice } from '../../policy/limits/slice.ts'
import type { Ticket } from '../../policy/limits/ticket.ts'
import type { Cancel, Clock } from '../../ports/clock.ts'
import type { LimitAnswer, LimitHold, Limits } from '../../ports/limits.ts'
import type { EpochMs } from '../../units/time.ts'
import type { Caller } from '../../vocabulary/caller.ts'
import type { LimitView, Quantity } from '../../vocabulary/limit.ts'
import type { ActualAmounts, Amounts, LimitedCall, Need } from '../../vocabulary/limited-call.ts'
import type { UseLog } from './uses.ts'

type Answer = (answer: LimitAnswer) => void

interface Waiting {
  readonly call: LimitedCall
  readonly need: Need
  readonly answer: Answer
}

/** Places of the units in a list of quantities. */
const [DOLLARS, INPUT_TOKENS, OUTPUT_TOKENS] = [0, 2, 3]

/** Where calls ask for room: the book's decisions, with the time, with answers for calls that wait, and with a log. */
export class LimitDesk implements Limits {
  readonly #book: LimitBook
  readonly #clock: Clock
  readonly #log: UseLog
  readonly #waiting = new Map<Ticket, Waiting>()
  #alarm: { readonly at: EpochMs; readonly cancel: Cancel } | null = null
  #isWaking = false
  #wakeAgain = false

  constructor(book: LimitBook, clock: Clock, log: UseLog) {
    this.#book = book
    this.#clock = clock
    this.#log = log
  }

  admit(call: LimitedCall, need: Need, answer: Answer): Cancel | null {
    const now = this.#clock.now()
    const decision = this.#book.decide(call, need, now)
    if (call.runBudget !== null && decision.kind === 'refuse') this.#log.keepBudget(call, now)
    if (decision.kind !== 'queue') {
      answer(this.#answerOf(decision, { call, need, answer }, now))
      return null
    }
    const { ticket } = decision
    this.#waiting.set(ticket, { call, need, answer })
    this.#setAlarm(this.#book.wakesAt(ticket))
    return () => this.#leave(ticket)
  }

  async views(caller: Caller): Promise<readonly LimitView[]> {
    return this.#book.view(caller, this.#clock.now())
  }

  /** To be called when limits came, went or changed. */
  wake(): void {
    if (this.#isWaking) {
      this.#wakeAgain = true
      return
    }
    this.#isWaking = true
    do {
      this.#wakeAgain = false
      const now = this.#clock.now()
      for (const { ticket, decision } of this.#book.wake(now)) {
        const waiting = this.#waiting.get(ticket)!
        this.#waiting.delete(ticket)
        waiting.answer(this.#answerOf(decision, waiting, now))
      }
    } while (this.#wakeAgain)
    this.#isWaking = false
    this.#alarm?.cancel()
    this.#alarm = null
    const next = this.#book.nextWakeAt
    if (next !== null) this.#setAlarm(next)
  }

  #leave(ticket: Ticket): void {
    if (!this.#waiting.delete(ticket)) return
    this.#book.leave(ticket)
    // Soon and not at once: a client with thousands of calls leaves them all in one turn.
    this.#setAlarm(this.#clock.now())
  }

  /** Looks for those that wait no later than then. */
  #setAlarm(at: EpochMs): void {
    if (this.#alarm !== null && this.#alarm.at <= at) return
    this.#alarm?.cancel()
    const cancel = this.#clock.after(Math.max(1, Math.ceil(at - this.#clock.now())), () => {
      this.#alarm = null
      this.wake()
    })
    this.#alarm = { at, cancel }
  }

  #answerOf(decision: Exclude<Decision, { kind: 'queue' }>, { call, need }: Waiting, now: EpochMs): LimitAnswer {
    if (decision.kind !== 'admit') return decision
    const { hold, warnings, overflow } = decision
    return {
      kind: 'admit',
      hold: new DeskHold(this, hold, { call, isPriced: need.worst.dollars !== null }),
      excluded: hold.excluded,
      warnings,
      overflow,
      rate: this.#book.tightestSliding(hold, now),
    }
  }

  /** Of which limits a call would have no room if it were decided now. */
  withoutRoom(call: LimitedCall, need: Need): readonly object[] {
    return this.#book.withoutRoom(call, need, this.#clock.now())
  }

  /** Sets several calls' worth aside for a lessee; `unbound` where nothing binds such calls, null where room is scarce. */
  lease(call: LimitedCall, need: Need, lessees: number): DeskLease | 'unbound' | null {
    const slice = this.#book.slice(call, need, lessees, this.#clock.now())
    return slice === null || slice === 'unbound' ? slice : new DeskLease(this, this.#book, { call, slice })
  }

  extend(hold: Hold, more: Amounts): boolean {
    return this.#book.extend(hold, more, this.#clock.now())
  }

  post(call: LimitedCall, hold: Hold, actual: ActualAmounts): void {
    this.#book.post(hold, actual, this.#clock.now())
    if (hold.binding.members.length > 0) this.#log.keep(call, usesOf(hold, actual))
    if (this.#book.isAnyWaiting) this.wake()
  }

  void(hold: Hold): void {
    this.#book.void(hold, this.#clock.now())
    if (this.#book.isAnyWaiting) this.wake()
  }

  /** Answers nobody any more. */
  close(): void {
    this.#alarm?.cancel()
    this.#alarm = null
  }
}

/** What the desk set aside for one call. */
class DeskHold implements LimitHold {
  readonly #desk: LimitDesk
  readonly #hold: Hold
  readonly #of: { readonly call: LimitedCall; readonly isPriced: boolean }

  constructor(desk: LimitDesk, hold: Hold, of: { readonly call: LimitedCall; readonly isPriced: boolean }) {
    this.#desk = desk
    this.#hold = hold
    this.#of = of
  }

  get held(): Amounts {
    return {
      dollars: this.#of.isPriced ? BigInt(this.#hold.held(DOLLARS)) : null,
      inputTokens: this.#hold.held(INPUT_TOKENS),
      outputTokens: this.#hold.held(OUTPUT_TOKENS),
    }
  }

  extend(more: Amounts, answer: (granted: boolean) => void): void {
    answer(this.#desk.extend(this.#hold, more))
  }

  post(actual: ActualAmounts): void {
    this.#desk.post(this.#of.call, this.#hold, actual)
  }

  void(): void {
    this.#desk.void(this.#hold)
  }
}

/** A slice that a lessee spends. */
export class DeskLease {
  readonly amounts: readonly Quantity[]
  readonly until: EpochMs
  readonly #desk: LimitDesk
  readonly #book: LimitBook
  readonly #of: { readonly call: LimitedCall; readonly slice: LeasedSlice }
  #isOver = false

  constructor(desk: LimitDesk, book: LimitBook, of: { readonly call: LimitedCall; readonly slice: LeasedSlice }) {
    this.#desk = desk
    this.#book = book
    this.#of = of
    this.amounts = [...of.slice.rest]
    this.until = of.slice.until
  }

  /** Of which limits it holds something. */
  get members(): readonly object[] {
    return this.#of.slice.hold.binding.members
  }

  /** A call that the lessee admitted, now with a hold of its own. */
  carve(amounts: readonly Quantity[], at: EpochMs): LimitHold {
    const { call, slice } = this.#of
    return new DeskHold(this.#desk, this.#book.carve(slice, amounts, at), { call, isPriced: true })
  }

  /** Gives back what is left of it. */
  giveBack(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#desk.void(this.#of.slice.hold)
  }
}
