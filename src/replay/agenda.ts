import type { Trace } from '../traces/trace.ts'

/**
 * How a conversation goes on. `recorded`: every request at its recorded time, whether or not earlier ones have ended;
 * an open loop. `thinking`: a request that follows another waits for its end and the recorded time of thought; only the
 * beginnings of conversations are an open loop.
 */
export type Pace = 'recorded' | 'thinking'

interface Due {
  readonly request: number
  readonly dueMs: number
}

/** What is to be sent when. Times are milliseconds since the replay began. */
export class Agenda {
  readonly #trace: Trace
  readonly #speed: number
  readonly #followers = new Map<number, number[]>()
  /** Requests with a time of their own, in order. */
  readonly #arrivals: number[] = []
  #nextArrival = 0
  /** Requests that became due by the end of another: a heap, the earliest on top. */
  readonly #heap: Due[] = []
  #waiting = 0

  /** @param speed recorded seconds per second, positive */
  constructor(trace: Trace, pace: Pace, speed: number) {
    this.#trace = trace
    this.#speed = speed
    for (const [index, { follows }] of trace.requests.entries()) {
      if (pace === 'recorded' || !follows) {
        this.#arrivals.push(index)
        continue
      }
      const followers = this.#followers.get(follows.request) ?? []
      followers.push(index)
      this.#followers.set(follows.request, followers)
      this.#waiting++
    }
  }

  /** Nothing is due, now or after the end of a request under way. */
  get empty(): boolean {
    return this.#nextArrival >= this.#arrivals.length && this.#heap.length === 0 && this.#waiting === 0
  }

  /** When the next request is due; null while all that is left waits for the end of another. */
  get nextMs(): number | null {
    const arrival = this.#arrivalMs()
    const follower = this.#heap[0]?.dueMs ?? Number.POSITIVE_INFINITY
    const next = Math.min(arrival, follower)
    return Number.isFinite(next) ? next : null
  }

  /** Takes the next request when it is due. */
  take(nowMs: number): Due | null {
    const arrival = this.#arrivalMs()
    const follower = this.#heap[0]
    if (follower && follower.dueMs <= arrival) return follower.dueMs <= nowMs ? this.#pop() : null
    if (arrival > nowMs) return null
    return { request: this.#arrivals[this.#nextArrival++]!, dueMs: arrival }
  }

  /** Puts those on the agenda that waited for the end of a request. */
  ended(request: number, nowMs: number): void {
    for (const follower of this.#followers.get(request) ?? []) {
      this.#waiting--
      this.#push({ request: follower, dueMs: nowMs + this.#trace.requests[follower]!.follows!.thinkMs / this.#speed })
    }
    this.#followers.delete(request)
  }

  #arrivalMs(): number {
    const index = this.#arrivals[this.#nextArrival]
    return index === undefined ? Number.POSITIVE_INFINITY : this.#trace.requests[index]!.atMs / this.#speed
  }

  #push(due: Due): void {
    const heap = this.#heap
    let at = heap.push(due) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]!.dueMs <= due.dueMs) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = due
  }

  #pop(): Due {
    const heap = this.#heap
    const top = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.dueMs < heap[child]!.dueMs) child++
      if (heap[child]!.dueMs >= last.dueMs) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return top
  }
}
