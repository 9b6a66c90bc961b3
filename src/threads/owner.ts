import type { DeskLease } from '../lifecycle/limits/desk.ts'
import type { Key } from '../vocabulary/caller.ts'
import type { LimitedCall, Need } from '../vocabulary/limited-call.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import type { Line } from './channel.ts'
import { LeasesOut } from './leasesOut.ts'
import { Lessee, type LesseeOwner, type Owned } from './lessee.ts'
import { Lessons } from './lessons.ts'
import type { ToldLease, ToPlane } from './messages.ts'

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
export class Owner implements LesseeOwner {
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
