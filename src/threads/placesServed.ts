import type { Cancel } from '../ports/clock.ts'
import type { Place, PlaceAnswer, Places } from '../ports/places.ts'
import type { FromPlane, ToldPlace, ToPlane } from './messages.ts'

/** What a thread says about places. */
export type PlaceMessage = Extract<FromPlane, { is: 'place' | 'leavePlace' | 'placeBegan' | 'placeEnded' }>

/** The places of one thread of the data plane, as the thread that owns the queue keeps them. */
export class PlacesServed {
  readonly #places: Places
  readonly #send: (message: ToPlane) => void
  readonly #waiting = new Map<number, Cancel>()
  readonly #given = new Map<number, Place>()

  constructor(places: Places, send: (message: ToPlane) => void) {
    this.#places = places
    this.#send = send
  }

  hear(message: PlaceMessage): void {
    const { n } = message
    switch (message.is) {
      case 'place':
        return this.#ask(message)
      case 'leavePlace':
        return this.#leave(n)
      case 'placeBegan':
        return this.#given.get(n)?.began(message.waitedMs)
      case 'placeEnded':
        this.#given.get(n)?.ended(message.end)
        this.#given.delete(n)
    }
  }

  /** The thread is no more: its calls leave the queue and their places are free. */
  die(): void {
    for (const leave of this.#waiting.values()) leave()
    this.#waiting.clear()
    for (const n of [...this.#given.keys()]) this.#giveBack(n)
  }

  #ask({ n, ask }: Extract<PlaceMessage, { is: 'place' }>): void {
    const leave = this.#places.ask(ask, answer => {
      this.#waiting.delete(n)
      this.#send({ is: 'placed', n, answer: this.#told(n, answer) })
    })
    if (leave !== null) this.#waiting.set(n, leave)
  }

  #told(n: number, answer: PlaceAnswer): ToldPlace {
    if (answer.kind !== 'place') return answer
    const { place } = answer
    this.#given.set(n, place)
    const { deployment, replica, address, expectedCachedTokens } = place
    return { kind: 'place', deployment, replica, address, expectedCachedTokens }
  }

  /** Its caller left, perhaps while the answer was under way. */
  #leave(n: number): void {
    this.#waiting.get(n)?.()
    this.#waiting.delete(n)
    this.#giveBack(n)
  }

  #giveBack(n: number): void {
    this.#given.get(n)?.ended({ usage: null, isWhole: false })
    this.#given.delete(n)
  }
}
