import type { VirtualClock } from './clock.ts'
import type { Played, Traffic } from './traffic.ts'

const NONE = -1

/** Sends each request when its time has come: by the clock, or a while after the end of the one that it follows. */
export class Schedule {
  readonly #traffic: Traffic
  readonly #clock: VirtualClock
  readonly #send: (played: Played) => void
  /** Requests of their own, in order of time. */
  readonly #arrivals: readonly Played[]
  #next = 0
  /** Of each request the first that follows it, and of each of those the next one that follows the same. */
  readonly #firstFollower: Int32Array
  readonly #nextFollower: Int32Array

  constructor(traffic: Traffic, clock: VirtualClock, send: (played: Played) => void) {
    const { requests } = traffic
    this.#traffic = traffic
    this.#clock = clock
    this.#send = send
    this.#arrivals = requests
      .filter(({ follows }) => follows === null)
      .sort((one, other) => one.atMs - other.atMs || one.number - other.number)
    this.#firstFollower = new Int32Array(requests.length).fill(NONE)
    this.#nextFollower = new Int32Array(requests.length).fill(NONE)
    // From the last to the first, so that those that follow the same stand in their order.
    for (let number = requests.length - 1; number >= 0; number--) {
      const { follows } = requests[number]!
      if (follows === null) continue
      this.#nextFollower[number] = this.#firstFollower[follows.number]!
      this.#firstFollower[follows.number] = number
    }
  }

  start(): void {
    const arrival = this.#arrivals[this.#next]
    if (arrival !== undefined) this.#clock.after(arrival.atMs - this.#clock.monotonic(), this.#arrive)
  }

  /** A request has ended, however it went: those that follow it come. */
  ended(number: number): void {
    for (let next = this.#firstFollower[number]!; next !== NONE; next = this.#nextFollower[next]!) {
      const follower = this.#traffic.requests[next]!
      this.#clock.after(follower.follows!.thinkMs, () => this.#send(follower))
    }
  }

  readonly #arrive = (): void => {
    const arrival = this.#arrivals[this.#next++]!
    this.start()
    this.#send(arrival)
  }
}
