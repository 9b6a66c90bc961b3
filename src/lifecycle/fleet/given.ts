import type { Stay } from '../../policy/placement/fleet.ts'
import type { Running } from '../../policy/queue/fair-queue.ts'
import type { Place, PlaceEnd } from '../../ports/places.ts'
import type { DurationMs } from '../../units/time.ts'

/** What a place tells the pool that gave it. */
export interface PlaceGiver {
  began(given: GivenPlace, waitedMs: DurationMs): void
  ended(given: GivenPlace, end: PlaceEnd): void
}

export type GivenFacts = Pick<Place, 'deployment' | 'address' | 'expectedCachedTokens'> & {
  readonly stay: Stay
  /** As the queue charged it. */
  readonly running: Running
}

/** A place that a call has. */
export class GivenPlace implements Place {
  readonly deployment: string
  readonly replica: number
  readonly address: Place['address']
  readonly expectedCachedTokens: number
  readonly stay: Stay
  readonly running: Running
  readonly #giver: PlaceGiver
  #hasBegun = false
  #hasEnded = false

  constructor({ deployment, address, expectedCachedTokens, stay, running }: GivenFacts, giver: PlaceGiver) {
    this.deployment = deployment
    this.replica = stay.state.replica
    this.address = address
    this.expectedCachedTokens = expectedCachedTokens
    this.stay = stay
    this.running = running
    this.#giver = giver
  }

  began(waitedMs: DurationMs): void {
    if (this.#hasBegun || this.#hasEnded) return
    this.#hasBegun = true
    this.#giver.began(this, waitedMs)
  }

  ended(end: PlaceEnd): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#giver.ended(this, end)
  }

  get hasBegun(): boolean {
    return this.#hasBegun
  }
}
