import type { Cancel, Clock } from '../ports/clock.ts'
import type { LedgerStore } from '../ports/ledger.ts'
import type { LimitAnswer, LimitHold, Limits } from '../ports/limits.ts'
import type { Observer } from '../ports/observer.ts'
import type { DurationMs, EpochMs } from '../units/time.ts'
import type { Caller, Key } from '../vocabulary/caller.ts'
import type { CallId } from '../vocabulary/id.ts'
import type { LimitView } from '../vocabulary/limit.ts'
import type { ActualAmounts, Amounts, LimitedCall, Need } from '../vocabulary/limited-call.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import { Channel, hear, type Line } from './channel.ts'
import { Leases, type Taken } from './leases.ts'
import type { Answers, FromPlane, Learnt, Question, ToldAdmission, ToldLease, ToPlane } from './messages.ts'
import { PlacesAsked } from './placesAsked.ts'

/** How often leases are looked through for those whose time is over. */
const SWEEP_MS: DurationMs = 250

/** What a thread is told to do by the one that owns it. */
export interface PlaneOrders {
  addKey(key: Key): void
  removeKey(name: string): void
  learn(answers: readonly Learnt[]): void
  drain(drainMs: DurationMs): Promise<void>
}

type Asked = { readonly resolve: (value: never) => void; readonly reject: (reason: Error) => void }

interface Asking {
  readonly call: LimitedCall
  readonly need: Need
  readonly wantsLease: boolean
  readonly answer: (answer: LimitAnswer) => void
}

/**
 * Limits, ledger and observer of a thread of the data plane: everything that there is one of belongs to the owner's
 * thread, and is asked for or told over a channel. What a lease covers is decided here.
 */
export class Plane implements Limits, Pick<LedgerStore, 'append' | 'writable' | 'receipt'>, Observer {
  writable = true
  readonly #channel: Channel<FromPlane>
  readonly #clock: Clock
  readonly #leases: Leases
  readonly #asking = new Map<number, Asking>()
  readonly #extending = new Map<number, (granted: boolean) => void>()
  readonly #durable = new Map<number, (failure: Error | null) => void>()
  readonly #records = new WeakMap<CallRecord, number>()
  readonly #asked = new Map<number, Asked>()
  readonly #orders: PlaneOrders
  /** Places on owned engines, which the owner gives. */
  readonly places: PlacesAsked
  #last = 0

  constructor(line: Line, clock: Clock, orders: PlaneOrders) {
    this.#channel = new Channel(line)
    this.#clock = clock
    this.places = new PlacesAsked(message => this.#channel.send(message))
    this.#orders = orders
    this.#leases = new Leases(lease => this.#channel.send({ is: 'return', lease }))
    hear<ToPlane>(line, message => this.#hear(message))
    this.#sweepLater()
  }

  #sweepLater(): void {
    this.#clock.after(SWEEP_MS, () => {
      this.#leases.sweep(this.#clock.now())
      this.#sweepLater()
    })
  }

  listening(): void {
    this.#channel.send({ is: 'listening' })
  }

  admit(call: LimitedCall, need: Need, answer: (answer: LimitAnswer) => void): Cancel | null {
    const now = this.#clock.now()
    const taken = this.#leases.take(call, need, now)
    const n = ++this.#last
    if (taken !== null) {
      answer(this.#admittedHere(n, taken, need.worst, now))
      return null
    }
    const wantsLease = this.#leases.wants(call, need)
    this.#asking.set(n, { call, need, answer, wantsLease })
    this.#channel.send({ is: 'admit', n, call, need, wantsLease })
    return () => {
      if (!this.#asking.delete(n)) return
      if (wantsLease) this.#leases.answered(call)
      this.#channel.send({ is: 'leave', n })
    }
  }

  #admittedHere(n: number, { lease, amounts, rate }: Taken, held: Amounts, at: EpochMs): LimitAnswer {
    const none = { kind: 'admit', excluded: [], warnings: [], overflow: [], rate } as const
    if (lease === null) return { ...none, hold: new UnboundHold(held) }
    this.#channel.send({ is: 'carve', n, lease, amounts, at })
    return { ...none, hold: this.#holdOf(n, held) }
  }

  #holdOf(n: number, held: Amounts): LimitHold {
    return new PlaneHold(n, held, {
      send: message => this.#channel.send(message),
      extend: (more, answer) => {
        this.#extending.set(n, answer)
        this.#channel.send({ is: 'extend', n, more })
      },
    })
  }

  views(caller: Caller): Promise<readonly LimitView[]> {
    return this.ask({ is: 'views', caller })
  }

  receipt(id: CallId): Promise<CallRecord | null> {
    return this.ask({ is: 'receipt', id })
  }

  ask<Q extends Question>(question: Q): Promise<Answers[Q['is']]> {
    const n = ++this.#last
    return new Promise((resolve, reject) => {
      this.#asked.set(n, { resolve: resolve as never, reject })
      this.#channel.send({ is: 'ask', n, question })
    })
  }

  append(record: CallRecord, durable: (failure: Error | null) => void): void {
    const n = ++this.#last
    this.#durable.set(n, durable)
    this.#records.set(record, n)
    this.#channel.send({ is: 'append', n, record })
  }

  callStarted(): void {
    this.#channel.send({ is: 'started' })
  }

  callEnded(record: CallRecord, timings: Parameters<Observer['callEnded']>[1]): void {
    const n = this.#records.get(record)
    if (n !== undefined) this.#channel.send({ is: 'ended', n, timings })
  }

  /** The owner knows: it told. */
  recordLost(): void {}

  callRefused(...[cause, status, key, call]: Parameters<Observer['callRefused']>): void {
    this.#channel.send({ is: 'refused', cause, status, key, call })
  }

  #hear(message: ToPlane): void {
    switch (message.is) {
      case 'admission':
        return this.#admission(message.n, message.answer, message.lease)
      case 'extended':
        return this.#extended(message.n, message.granted)
      case 'placed':
        return this.places.answered(message.n, message.answer)
      case 'durable':
        return this.#written(message.n, message.failure)
      case 'answer':
      case 'failed':
        return this.#answered(message)
      case 'callIn':
        this.#leases.callIn(message.leases)
        // Whoever called them in has a call waiting for it.
        return this.#channel.flush()
      case 'writable':
        this.writable = message.writable
        return
      case 'key':
        this.#orders.addKey(message.key)
        return this.#channel.send({ is: 'heard', n: message.n })
      case 'noKey':
        this.#orders.removeKey(message.name)
        return this.#channel.send({ is: 'heard', n: message.n })
      case 'learnt':
        return this.#orders.learn(message.answers)
      case 'drain':
        void this.#orders.drain(message.drainMs).then(() => {
          this.#channel.send({ is: 'drained' })
          this.#channel.flush()
        })
    }
  }

  #admission(n: number, told: ToldAdmission, lease: ToldLease | null): void {
    const asking = this.#asking.get(n)
    this.#asking.delete(n)
    if (asking?.wantsLease) this.#leases.answered(asking.call)
    if (asking !== undefined && lease !== null) this.#leases.keep(asking.call, asking.need, lease)
    else if (lease !== null) this.#channel.send({ is: 'return', lease: lease.n })
    if (told.kind !== 'admit') return asking?.answer(told)
    const hold = this.#holdOf(n, told.held)
    // Its caller left while the answer was under way.
    if (asking === undefined) return hold.void()
    const { excluded, warnings, overflow, rate } = told
    asking.answer({ kind: 'admit', hold, excluded, warnings, overflow, rate })
  }

  #extended(n: number, granted: boolean): void {
    const answer = this.#extending.get(n)
    this.#extending.delete(n)
    answer?.(granted)
  }

  #written(n: number, failure: string | null): void {
    const durable = this.#durable.get(n)!
    this.#durable.delete(n)
    durable(failure === null ? null : new Error(failure))
  }

  #answered(message: Extract<ToPlane, { is: 'answer' | 'failed' }>): void {
    const asked = this.#asked.get(message.n)
    this.#asked.delete(message.n)
    if (message.is === 'answer') asked?.resolve(message.value as never)
    else asked?.reject(new Error(message.message))
  }
}

interface Ties {
  send(message: FromPlane): void
  extend(more: Amounts, answer: (granted: boolean) => void): void
}

/** A hold that the owner keeps; what it has grown to is known here too. */
class PlaneHold implements LimitHold {
  held: Amounts
  readonly #n: number
  readonly #ties: Ties

  constructor(n: number, held: Amounts, ties: Ties) {
    this.#n = n
    this.held = held
    this.#ties = ties
  }

  extend(more: Amounts, answer: (granted: boolean) => void): void {
    this.#ties.extend(more, granted => {
      if (granted) this.held = sumOf(this.held, more)
      answer(granted)
    })
  }

  post(actual: ActualAmounts): void {
    this.#ties.send({ is: 'post', n: this.#n, actual })
  }

  void(): void {
    this.#ties.send({ is: 'void', n: this.#n })
  }
}

/** The hold of a call that no limit binds: nobody counts it. */
class UnboundHold implements LimitHold {
  held: Amounts

  constructor(held: Amounts) {
    this.held = held
  }

  extend(more: Amounts, answer: (granted: boolean) => void): void {
    this.held = sumOf(this.held, more)
    answer(true)
  }

  post(): void {}

  void(): void {}
}

function sumOf(a: Amounts, b: Amounts): Amounts {
  return {
    dollars: a.dollars === null || b.dollars === null ? null : a.dollars + b.dollars,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
  }
}
