import type { DeskLease, LimitDesk } from '../lifecycle/limits/desk.ts'
import type { Cancel } from '../ports/clock.ts'
import type { LedgerStore } from '../ports/ledger.ts'
import type { LimitAnswer, LimitHold } from '../ports/limits.ts'
import type { Observer } from '../ports/observer.ts'
import type { Places } from '../ports/places.ts'
import type { DurationMs } from '../units/time.ts'
import type { LimitedCall, Need } from '../vocabulary/limited-call.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import { Channel, hear, type Line } from './channel.ts'
import type { Answers, FromPlane, Question, ToldAdmission, ToldLease, ToPlane } from './messages.ts'
import { PlacesServed } from './placesServed.ts'

/** What there is one of, whatever the number of threads. */
export interface Owned {
  readonly desk: LimitDesk
  readonly ledger: Pick<LedgerStore, 'append' | 'writable' | 'receipt'>
  readonly observer: Observer
  readonly places: Places
  metrics(): Promise<Answers['metrics']>
  admin(request: Extract<Question, { is: 'admin' }>['request']): Promise<Answers['admin']>
}

/** What a thread asks of its owner. */
export interface LesseeOwner {
  readonly owned: Owned
  /** Runs once the call can be decided. */
  decide(call: LimitedCall, need: Need, run: () => void): void
  /** What a thread may decide by itself from now on; null for nothing. */
  grant(holder: Lessee, call: LimitedCall, need: Need): Omit<ToldLease, 'rate'> | null
  lease(n: number): DeskLease | null
  returned(n: number): void
  settled<T>(run: () => T | Promise<T>): Promise<T>
  learn(from: Lessee, record: CallRecord): void
}

/** One thread of the data plane as its owner knows it. */
export class Lessee {
  readonly #owner: LesseeOwner
  readonly #channel: Channel<ToPlane>
  readonly #holds = new Map<number, LimitHold>()
  readonly #queued = new Map<number, Cancel>()
  readonly #records = new Map<number, CallRecord>()
  readonly #telling = new Map<number, () => void>()
  readonly #places: PlacesServed
  readonly listening: Promise<void>
  readonly drained: Promise<void>
  #tellListening = () => {}
  #tellDrained = () => {}
  /** Calls that are not decided yet, and those of them whose caller has left. */
  readonly #undecided = new Set<number>()
  readonly #left = new Set<number>()
  #last = 0
  #isDead = false
  #inFlight = 0

  constructor(owner: LesseeOwner, line: Line) {
    this.#owner = owner
    this.#channel = new Channel(line)
    this.#places = new PlacesServed(owner.owned.places, message => this.#channel.send(message))
    this.listening = new Promise(resolve => {
      this.#tellListening = resolve
    })
    this.drained = new Promise(resolve => {
      this.#tellDrained = resolve
    })
    hear<FromPlane>(line, message => {
      if (!this.#isDead) this.#hear(message)
    })
  }

  send(message: ToPlane): void {
    this.#channel.send(message)
  }

  flush(): void {
    this.#channel.flush()
  }

  /** Resolves when the thread has heard, or is dead. */
  tell(message: (n: number) => ToPlane): Promise<void> {
    const n = ++this.#last
    return new Promise(resolve => {
      if (this.#isDead) return resolve()
      this.#telling.set(n, resolve)
      this.send(message(n))
    })
  }

  drain(drainMs: DurationMs): Promise<void> {
    this.send({ is: 'drain', drainMs })
    return this.drained
  }

  /** Gives back all that its calls held; what they used is not known, and nothing of it was told to anybody. */
  die(): void {
    this.#isDead = true
    this.#channel.close()
    this.#places.die()
    for (const cancel of this.#queued.values()) cancel()
    for (const hold of this.#holds.values()) hold.void()
    this.#holds.clear()
    for (const heard of this.#telling.values()) heard()
    const { observer } = this.#owner.owned
    for (let i = 0; i < this.#inFlight; i++) observer.callRefused('internal', 500, null, { id: null, model: null })
    this.#tellDrained()
  }

  #hear(message: FromPlane): void {
    switch (message.is) {
      case 'admit':
        return this.#admit(message)
      case 'leave':
        return this.#leave(message.n)
      case 'carve':
        return this.#carve(message)
      case 'extend':
        return this.#extend(message)
      case 'post':
        return this.#take(message.n)?.post(message.actual)
      case 'void':
        return this.#take(message.n)?.void()
      case 'return':
        return this.#owner.returned(message.lease)
      case 'append':
        return this.#append(message.n, message.record)
      case 'ask':
        return this.#answer(message.n, message.question)
      case 'place':
      case 'leavePlace':
      case 'placeBegan':
      case 'placeEnded':
        return this.#places.hear(message)
      case 'heard':
        this.#telling.get(message.n)?.()
        this.#telling.delete(message.n)
        return
      case 'listening':
        return this.#tellListening()
      case 'drained':
        return this.#tellDrained()
      default:
        return this.#observe(message)
    }
  }

  #observe(message: Extract<FromPlane, { is: 'started' | 'refused' | 'ended' }>): void {
    const { observer } = this.#owner.owned
    if (message.is === 'started') {
      this.#inFlight++
      return observer.callStarted()
    }
    if (message.is === 'refused') {
      if (message.call !== undefined) this.#inFlight--
      return observer.callRefused(message.cause, message.status, message.key, message.call)
    }
    const record = this.#records.get(message.n)
    this.#records.delete(message.n)
    this.#inFlight--
    if (record !== undefined) observer.callEnded(record, message.timings)
  }

  #admit({ n, call, need, wantsLease }: Extract<FromPlane, { is: 'admit' }>): void {
    this.#undecided.add(n)
    this.#owner.decide(call, need, () => {
      this.#undecided.delete(n)
      // Its caller left while leases were called in.
      if (this.#isDead || this.#left.delete(n)) return
      const cancel = this.#owner.owned.desk.admit(call, need, answer => {
        this.#queued.delete(n)
        const lease =
          wantsLease && answer.kind === 'admit' && isPlain(answer) ? this.#owner.grant(this, call, need) : null
        const rate = answer.kind === 'admit' ? answer.rate : null
        this.send({ is: 'admission', n, answer: this.#told(n, answer), lease: lease && { ...lease, rate } })
      })
      if (cancel !== null) this.#queued.set(n, cancel)
    })
  }

  #told(n: number, answer: LimitAnswer): ToldAdmission {
    if (answer.kind !== 'admit') return answer
    const { hold, ...rest } = answer
    this.#holds.set(n, hold)
    return { ...rest, held: hold.held }
  }

  #leave(n: number): void {
    const cancel = this.#queued.get(n)
    if (cancel !== undefined) {
      this.#queued.delete(n)
      cancel()
    } else if (this.#undecided.has(n)) this.#left.add(n)
  }

  #carve({ n, lease, amounts, at }: Extract<FromPlane, { is: 'carve' }>): void {
    const out = this.#owner.lease(lease)
    if (out !== null) this.#holds.set(n, out.carve(amounts, at))
  }

  #extend({ n, more }: Extract<FromPlane, { is: 'extend' }>): void {
    const hold = this.#holds.get(n)
    if (hold === undefined) return this.send({ is: 'extended', n, granted: false })
    hold.extend(more, granted => {
      if (granted) return this.send({ is: 'extended', n, granted })
      // Room may lie in leases: it is refused only where there is none in them either.
      void this.#owner.settled(() => {
        // Its call has ended meanwhile; the thread still has to hear, since it keeps who asked.
        if (!this.#holds.has(n)) return this.send({ is: 'extended', n, granted: false })
        hold.extend(more, grantedAfter => this.send({ is: 'extended', n, granted: grantedAfter }))
      })
    })
  }

  #take(n: number): LimitHold | undefined {
    const hold = this.#holds.get(n)
    this.#holds.delete(n)
    return hold
  }

  #append(n: number, record: CallRecord): void {
    const { ledger, observer } = this.#owner.owned
    this.#records.set(n, record)
    this.#owner.learn(this, record)
    ledger.append(record, failure => {
      if (failure !== null) observer.recordLost(record, failure)
      this.send({ is: 'durable', n, failure: failure === null ? null : failure.message })
    })
  }

  #answer(n: number, question: Question): void {
    this.#ask(question).then(
      value => this.send({ is: 'answer', n, value }),
      (error: Error) => this.send({ is: 'failed', n, message: error.message }),
    )
  }

  async #ask(question: Question): Promise<Answers[Question['is']]> {
    const { desk, ledger, metrics, admin } = this.#owner.owned
    switch (question.is) {
      case 'views':
        return this.#owner.settled(() => desk.views(question.caller))
      case 'receipt':
        return ledger.receipt(question.id)
      case 'metrics':
        return metrics()
      case 'admin':
        return admin(question.request)
    }
  }
}

/** Whether nothing but the rate is to be told of an admission: then the next one may be decided without the owner. */
function isPlain({ excluded, warnings, overflow }: Extract<LimitAnswer, { kind: 'admit' }>): boolean {
  return excluded.length === 0 && warnings.length === 0 && overflow.length === 0
}
