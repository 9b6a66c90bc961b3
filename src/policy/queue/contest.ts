import { Heap, type HeapNode } from './heap.ts'

/** Counters are set back before they are so large that a millisecond is lost in them. */
const REBASE_AT = 2 ** 40

/**
 * One that takes part in a contest: a tier among tiers, or a tenant among tenants. Its counter is the work that it was
 * given by its weight, on the scale of the contest's virtual time.
 */
export class Flow {
  readonly name: string
  readonly weight: number
  /** Where its own work alone has brought it. */
  owed = 0
  /** Where it would be had it come back with nothing owed: at virtual time then, and the work that it was given since. */
  lifted = 0
  /** Goes up whenever it comes back, so that a correction knows whether its call started since. */
  return = 0
  /** Calls that were charged to it and have not ended. */
  running = 0
  /** Work that waits, for estimates. */
  waitingWork = 0
  /** Its place among those that have calls waiting. */
  waiting: HeapNode<Flow> | null = null
  /** Its place among those that have none, have nothing running either, and still owe. */
  resting: HeapNode<Flow> | null = null
  /** Orders those with equal counters and weights. */
  since = 0

  constructor(name: string, weight: number) {
    this.name = name
    this.weight = weight
  }

  get counter(): number {
    return Math.max(this.owed, this.lifted)
  }
}

/** What a call was charged in one contest. */
export interface Charge<F extends Flow> {
  readonly contest: Contest<F>
  readonly flow: F
  readonly era: number
  readonly return: number
}

function isBefore(a: Flow, b: Flow): boolean {
  const difference = a.counter - b.counter
  if (difference !== 0) return difference < 0
  return a.weight !== b.weight ? a.weight > b.weight : a.since < b.since
}

/**
 * Weighted sharing among flows: whoever was given the least work by its weight is next. Virtual time is the counter at
 * which the last call started. A flow that comes back with calls is lifted to it: it has saved up nothing. When nobody
 * has calls waiting any more, everything is forgotten: who was served while nobody else wanted to be owes nothing.
 *
 * Source: start-time fair queueing (Goyal, Vin and Chen, 1996), which is deficit round robin with the quantum taken to
 * zero; counters by cost as in the Virtual Token Counter (Sheng et al., OSDI 2024).
 */
export class Contest<F extends Flow> {
  readonly #make: (name: string) => F
  readonly #flows = new Map<string, F>()
  readonly #waiting = new Heap<Flow>(isBefore)
  readonly #resting = new Heap<Flow>((a, b) => a.counter < b.counter)
  #virtual = 0
  /** Goes up when everything is forgotten. */
  #era = 0
  #returns = 0

  constructor(make: (name: string) => F) {
    this.#make = make
  }

  /** Whether anybody has calls waiting. */
  get isHeld(): boolean {
    return this.#waiting.size > 0
  }

  /** Flows that are remembered. */
  get size(): number {
    return this.#flows.size
  }

  /** Flows that are remembered, in no order. */
  all(): Iterable<F> {
    return this.#flows.values()
  }

  /** Flows with calls waiting. */
  get contenders(): number {
    return this.#waiting.size
  }

  find(name: string): F | null {
    return this.#flows.get(name) ?? null
  }

  findOrMake(name: string): F {
    let flow = this.#flows.get(name)
    if (flow === undefined) {
      flow = this.#make(name)
      this.#flows.set(name, flow)
    }
    return flow
  }

  /** Flows with calls waiting, who is next first. */
  ascending(): Generator<F, void, void> {
    return this.#waiting.ascending() as Generator<F, void, void>
  }

  /** So many of them at most, in no order. */
  sample(most: number): Generator<F, void, void> {
    return this.#waiting.sample(most) as Generator<F, void, void>
  }

  /** The counter that a flow has, or would have if it came back now. */
  counterOf(flow: F | null): number {
    if (flow === null) return this.#least()
    return flow.waiting === null ? Math.max(flow.counter, this.#startOf(flow)) : flow.counter
  }

  /**
   * It has calls waiting from now on. One that is not remembered begins with the least counter of those who wait, so
   * that none of them owes it anything. One that is remembered is lifted to virtual time alone: it may just have had
   * all of its calls start, and would lose its share if the others' counters were its own then.
   */
  enter(flow: F): void {
    if (flow.resting !== null) this.#resting.remove(flow.resting)
    flow.resting = null
    this.#comeBack(flow, this.#startOf(flow))
    flow.since = this.#returns++
    flow.waiting = this.#waiting.add(flow)
  }

  /** It has no calls waiting any more. */
  leave(flow: F): void {
    if (flow.waiting !== null) this.#waiting.remove(flow.waiting)
    flow.waiting = null
    flow.waitingWork = 0
    if (this.#waiting.size === 0) this.#forgetAll()
    else this.#rest(flow)
  }

  /**
   * A call of it starts. Virtual time comes up to where it was.
   *
   * @param skipped flows that would have been before it, had any of their calls been able to start: since they could
   *   not compete, they save up nothing
   */
  charge(flow: F, work: number, skipped: readonly F[]): Charge<F> {
    const start = flow.counter
    for (const other of skipped) {
      if (other.waiting === null || other.counter >= start) continue
      this.#comeBack(other, start)
      this.#waiting.moved(other.waiting)
    }
    this.#virtual = Math.max(this.#virtual, start)
    flow.running++
    const entry = { contest: this, flow, era: this.#era, return: flow.return }
    this.#move(flow, { work, isOfThisReturn: true })
    this.#forgetPaid()
    if (this.#virtual > REBASE_AT) this.#rebase()
    return entry
  }

  /**
   * A call that was charged takes so much more. If its flow has come back since, this changes what it owes but not what
   * it was lifted to, as if the call had been charged so at once: it gives and takes no more than was its part.
   */
  correct(entry: Charge<F>, moreWork: number): void {
    this.#move(entry.flow, { work: moreWork, isOfThisReturn: entry.return === entry.flow.return })
  }

  end(entry: Charge<F>): void {
    if (entry.era !== this.#era) return
    entry.flow.running--
    this.#rest(entry.flow)
  }

  #least(): number {
    return Math.max(this.#virtual, this.#waiting.first()?.counter ?? 0)
  }

  #startOf(flow: Flow): number {
    return flow.return === 0 ? this.#least() : this.#virtual
  }

  #comeBack(flow: Flow, at: number): void {
    flow.owed = flow.counter
    flow.lifted = at
    flow.return++
  }

  #move(flow: F, by: { readonly work: number; readonly isOfThisReturn: boolean }): void {
    const step = by.work / flow.weight
    flow.owed += step
    if (by.isOfThisReturn) flow.lifted += step
    if (flow.waiting !== null) this.#waiting.moved(flow.waiting)
  }

  /** A flow without calls is remembered for as long as virtual time is behind its counter. */
  #rest(flow: F): void {
    if (flow.waiting !== null || flow.running > 0 || flow.resting !== null) return
    if (flow.counter <= this.#virtual) this.#flows.delete(flow.name)
    else flow.resting = this.#resting.add(flow)
  }

  #forgetPaid(): void {
    for (let flow = this.#resting.first(); flow !== null && flow.counter <= this.#virtual; ) {
      this.#resting.remove(flow.resting!)
      flow.resting = null
      this.#flows.delete(flow.name)
      flow = this.#resting.first()
    }
  }

  #forgetAll(): void {
    this.#flows.clear()
    this.#resting.clear()
    this.#virtual = 0
    this.#era++
  }

  #rebase(): void {
    for (const flow of this.#flows.values()) {
      flow.owed -= this.#virtual
      flow.lifted -= this.#virtual
    }
    this.#virtual = 0
    this.#waiting.rebuild()
    this.#resting.rebuild()
  }
}
