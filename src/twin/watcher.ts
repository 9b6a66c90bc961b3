import type { EngineListener } from '../ports/fleet.ts'
import type { DurationMs } from '../units/time.ts'
import type { VirtualClock } from './clock.ts'
import type { ModelledReplica } from './replica.ts'

/** Engines are read so often, as the gateway reads them. */
const READ_MS: DurationMs = 500

/** The replicas of one upstream, and who hears of them. */
export interface Watched {
  readonly replicas: readonly ModelledReplica[]
  readonly listener: EngineListener
}

/** Reads the metrics of modelled engines, for as long as one of them has something to do: else nothing changes. */
export class ModelledWatcher {
  readonly #clock: VirtualClock
  readonly #watched: readonly Watched[]
  #isReading = false

  constructor(watched: readonly Watched[], clock: VirtualClock) {
    this.#watched = watched
    this.#clock = clock
    for (const { replicas, listener } of watched) {
      for (let replica = 0; replica < replicas.length; replica++) listener.appeared(replica, `replica:${replica}`, null)
    }
  }

  /** A call comes: whoever did not read since the last one ended begins again. */
  wake(): void {
    if (this.#isReading) return
    this.#isReading = true
    this.#read()
  }

  readonly #read = (): void => {
    let isBusy = false
    for (const { replicas, listener } of this.#watched) {
      for (const [place, replica] of replicas.entries()) {
        isBusy ||= !replica.isIdle
        listener.heard(place, replica.load, this.#clock.monotonic())
      }
    }
    // Nobody has begun yet when a call wakes the reading, so it goes on at least once.
    this.#clock.after(READ_MS, isBusy ? this.#read : this.#readLast)
  }

  readonly #readLast = (): void => {
    const isBusy = this.#watched.some(({ replicas }) => replicas.some(replica => !replica.isIdle))
    if (isBusy) this.#read()
    else this.#isReading = false
  }
}
