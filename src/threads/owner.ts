import type { DeskLease, LimitDesk } from '../lifecycle/limits/desk.ts'
import type { Cancel } from '../ports/clock.ts'
import type { LedgerStore } from '../ports/ledger.ts'
import type { LimitAnswer, LimitHold } from '../ports/limits.ts'
import type { Observer } from '../ports/observer.ts'
import type { Places } from '../ports/places.ts'
import type { DurationMs } from '../units/time.ts'
import type { Key } from '../vocabulary/caller.ts'
import type { LimitedCall, Need } from '../vocabulary/limited-call.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import { Channel, hear, type Line } from './channel.ts'
import { LeasesOut } from './leasesOut.ts'
import { Lessons } from './lessons.ts'
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

/** Something that may have to wait for leases to come back. */
interface Item {
  /** Which leases must not be out for it; none when it can go on as it is. */
  needsBack(): Iterable<number>
  run(): void
}

const NONE: readonly number[] = []

/**
 * The thread that owns limits and ledger, toward the threads that serve calls. Each call is decided here, or out of a
 * lease that was granted here. Before a call is refused, before limits are shown or changed, leases are called in: what a
 * caller sees is what a single thread would show.
 */
export class Owner {
  readonly owned: Owned
  readonly #lessees = new Set<Lessee>()
  readonly #lessons = new Lessons<Lessee>()
  readonly #leases = new LeasesOut<Lessee>()
  /** In order: nobody is served before those that came earlier and wait for leases. */
  readonly #queue: Item[] = []
  /** Leases that were called in. */
  readonly #coming = new Set<number>()
  #lastLease = 0

  constructor(owned: Owned) {
    this.owned = owned
  }

  /** Serves a thread of the data plane. */
  attach(line: Line): Lessee {
    const lessee = new Lessee(this, line)
    this.#lessees.add(lessee)
    // It begins by letting calls in, and changes are told to those that are there.
    if (!this.owned.ledger.writable) lessee.send({ is: 'writable', writable: false })
    return lessee
  }

  /** To be called when a thread has died: what it held comes back. */
  detach(lessee: Lessee): void {
    if (!this.#lessees.delete(lessee)) return
    lessee.die()
    for (const n of this.#leases.of(lessee)) this.returned(n)
  }

  /** Tells every thread; resolves when all of them have heard. */
  async tellAll(message: (n: number) => ToPlane): Promise<void> {
    await Promise.all([...this.#lessees].map(lessee => lessee.tell(message)))
  }

  addKey(key: Key): Promise<void> {
    return this.tellAll(n => ({ is: 'key', n, key }))
  }

  removeKey(name: string): Promise<void> {
    return this.tellAll(n => ({ is: 'noKey', n, name }))
  }

  /** Keeps the length of an answer for the threads that did not have it. */
  learn(from: Lessee, record: CallRecord): void {
    this.#lessons.add(from, record)
  }

  /** To be called now and then: what is learnt in one thread is of use in all. */
  tellLessons(): void {
    this.#lessons.tell(this.#lessees, (lessee, answers) => lessee.send({ is: 'learnt', answers }))
  }

  tellWritable(writable: boolean): void {
    for (const lessee of this.#lessees) lessee.send({ is: 'writable', writable })
  }

  /** Runs something while no lease holds anything, so that all that is used and held is known here. */
  settled<T>(run: () => T | Promise<T>): Promise<T> {
    return this.#once(() => this.#leases.bound(), run)
  }

  /** Resolves when every lease that was out is back: what threads decide from now on goes by the limits as they are. */
  recalled(): Promise<void> {
    return this.#once(
      () => this.#leases.all(),
      () => {},
    )
  }

  #once<T>(needsBack: Item['needsBack'], run: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#add({ needsBack, run: () => void (async () => run())().then(resolve, reject) })
    })
  }

  /**
   * Decides a call, after calling leases in where it may not have room without them: those alone that hold something of a
   * limit which is in its way, lest whoever is refused again and again take everybody's.
   */
  decide(call: LimitedCall, need: Need, run: () => void): void {
    const needsBack = () =>
      this.#leases.bound().size === 0 ? NONE : this.#leases.at(this.owned.desk.withoutRoom(call, need))
    this.#add({ needsBack, run })
  }

  #add(item: Item): void {
    this.#queue.push(item)
    if (this.#coming.size === 0) this.#goOn()
  }

  #goOn(): void {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      for (const n of first.needsBack()) this.#coming.add(n)
      if (this.#coming.size > 0) return this.#callIn()
      this.#queue.shift()
      first.run()
      // Whoever it was may have been answered out of the queue's turn.
      if (this.#coming.size > 0) return
    }
  }

  #callIn(): void {
    const byHolder = new Map<Lessee, number[]>()
    for (const n of this.#coming) {
      const holder = this.#leases.holder(n)
      const numbers = byHolder.get(holder)
      if (numbers === undefined) byHolder.set(holder, [n])
      else numbers.push(n)
    }
    for (const [holder, leases] of byHolder) {
      holder.send({ is: 'callIn', leases })
      holder.flush()
    }
  }

  /** What a thread may decide by itself from now on; null where room is too scarce, or others wait for it. */
  grant(holder: Lessee, call: LimitedCall, need: Need): Omit<ToldLease, 'rate'> | null {
    if (this.#queue.length > 0) return null
    const lease = this.owned.desk.lease(call, need, this.#lessees.size)
    if (lease === null) return null
    const n = ++this.#lastLease
    if (lease === 'unbound') {
      this.#leases.add(n, holder, null)
      return { n, amounts: null, until: Number.POSITIVE_INFINITY }
    }
    this.#leases.add(n, holder, lease)
    return { n, amounts: lease.amounts, until: lease.until }
  }

  lease(n: number): DeskLease | null {
    return this.#leases.lease(n)
  }

  returned(n: number): void {
    this.#leases.take(n)?.giveBack()
    if (this.#coming.delete(n) && this.#coming.size === 0) this.#goOn()
  }
}

/** One thread of the data plane as its owner knows it. */
export class Lessee {
  readonly #owner: Owner
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

  constructor(owner: Owner, line: Line) {
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
