import type { Cancel, Clock } from '../ports/clock.ts'
import type { DurationMs, EpochMs, MonotonicMs } from '../units/time.ts'

interface Timer {
  readonly at: MonotonicMs
  /** Of two timers for the same moment the one that was set first comes first. */
  readonly order: number
  /** Null once it was cancelled. */
  callback: (() => void) | null
}

/** Timers further away than this lie unsorted until their time comes near: most are bounds that are cancelled before. */
const NEAR_MS: DurationMs = 1_000

/** Time that passes only when there is nothing to do: from one timer to the next, in an order that chance has no part in. */
export class VirtualClock implements Clock {
  readonly #startAt: EpochMs
  #now: MonotonicMs = 0
  #order = 0
  /** A binary heap of those that are near. */
  readonly #near: Timer[] = []
  /** The others by the number of their second. */
  readonly #far = new Map<number, Timer[]>()
  /** Numbers of those seconds, the next one last. */
  readonly #seconds: number[] = []
  /** Seconds below this one are in the heap. */
  #opened = 1
  /** To be called at this moment, before any timer. */
  #soon: (() => void)[] = []
  #called = 0

  /** @param startAt what `now` says at the beginning, whole milliseconds */
  constructor(startAt: EpochMs) {
    this.#startAt = startAt
  }

  now(): EpochMs {
    return this.#startAt + Math.floor(this.#now)
  }

  monotonic(): MonotonicMs {
    return this.#now
  }

  after(delay: DurationMs, callback: () => void): Cancel {
    const timer: Timer = { at: this.#now + Math.max(0, delay), order: this.#order++, callback }
    const second = Math.floor(timer.at / NEAR_MS)
    if (second < this.#opened) pushTimer(this.#near, timer)
    else this.#putAway(second, timer)
    return () => {
      timer.callback = null
    }
  }

  /** Calls back at this very moment, after whatever is being called now. */
  soon(callback: () => void): void {
    this.#soon.push(callback)
  }

  /**
   * Lets time pass until nothing is left to do.
   *
   * @param most timers that are called at most, so that whoever watches gets a turn
   * @returns whether nothing is left
   */
  run(most: number = Number.POSITIVE_INFINITY): boolean {
    this.#callSoon()
    for (let called = 0; called < most; called++) {
      const timer = this.#next()
      if (timer === null) return true
      this.#now = timer.at
      timer.callback!()
      this.#callSoon()
    }
    return false
  }

  #callSoon(): void {
    while (this.#called < this.#soon.length) this.#soon[this.#called++]!()
    this.#soon.length = 0
    this.#called = 0
  }

  #next(): Timer | null {
    for (;;) {
      const timer = popTimer(this.#near)
      if (timer === null) {
        if (!this.#open()) return null
      } else if (timer.callback !== null) return timer
    }
  }

  #putAway(second: number, timer: Timer): void {
    const there = this.#far.get(second)
    if (there !== undefined) {
      there.push(timer)
      return
    }
    this.#far.set(second, [timer])
    pushNumber(this.#seconds, second)
  }

  /** Sorts the timers of the next second that has any. @returns false when there is none */
  #open(): boolean {
    const second = popNumber(this.#seconds)
    if (second === undefined) return false
    for (const timer of this.#far.get(second)!) if (timer.callback !== null) pushTimer(this.#near, timer)
    this.#far.delete(second)
    this.#opened = second + 1
    return true
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}

function pushTimer(heap: Timer[], timer: Timer): void {
  let place = heap.length
  heap.push(timer)
  while (place > 0) {
    const parent = (place - 1) >> 1
    if (!isBefore(timer, heap[parent]!)) break
    heap[place] = heap[parent]!
    place = parent
  }
  heap[place] = timer
}

function popTimer(heap: Timer[]): Timer | null {
  const first = heap[0]
  if (first === undefined) return null
  const last = heap.pop()!
  const size = heap.length
  if (size === 0) return first
  let place = 0
  for (;;) {
    let child = 2 * place + 1
    if (child >= size) break
    if (child + 1 < size && isBefore(heap[child + 1]!, heap[child]!)) child++
    if (!isBefore(heap[child]!, last)) break
    heap[place] = heap[child]!
    place = child
  }
  heap[place] = last
  return first
}

/** Few seconds are known at once, so that a sorted list with the smallest at its end does for a heap. */
function pushNumber(sorted: number[], value: number): void {
  let place = sorted.length
  sorted.push(value)
  while (place > 0 && sorted[place - 1]! < value) {
    sorted[place] = sorted[place - 1]!
    place--
  }
  sorted[place] = value
}

function popNumber(sorted: number[]): number | undefined {
  return sorted.pop()
}
