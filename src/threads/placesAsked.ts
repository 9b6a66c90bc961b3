import type { Cancel } from '../ports/clock.ts'
import type { Place, PlaceAnswer, PlaceAsk, PlaceEnd, Places } from '../ports/places.ts'
import type { FromPlane, ToldPlace } from './messages.ts'

/** Places on owned engines as a thread of the data plane asks for them: the thread that owns the queue gives them. */
export class PlacesAsked implements Places {
  readonly #send: (message: FromPlane) => void
  readonly #asking = new Map<number, (answer: PlaceAnswer) => void>()
  #last = 0

  constructor(send: (message: FromPlane) => void) {
    this.#send = send
  }

  ask(ask: PlaceAsk, answer: (answer: PlaceAnswer) => void): Cancel {
    const n = ++this.#last
    this.#asking.set(n, answer)
    this.#send({ is: 'place', n, ask })
    return () => {
      if (this.#asking.delete(n)) this.#send({ is: 'leavePlace', n })
    }
  }

  answered(n: number, told: ToldPlace): void {
    const answer = this.#asking.get(n)
    this.#asking.delete(n)
    if (told.kind !== 'place') return answer?.(told)
    // One whose caller left while the answer was under way is given back by the owner, who is told of that.
    answer?.({ kind: 'place', place: new ToldOf(n, told, this.#send) })
  }
}

class ToldOf implements Place {
  readonly deployment: string
  readonly replica: number
  readonly address: Place['address']
  readonly expectedCachedTokens: number
  readonly #n: number
  readonly #send: (message: FromPlane) => void

  constructor(n: number, told: Extract<ToldPlace, { kind: 'place' }>, send: (message: FromPlane) => void) {
    this.#n = n
    this.#send = send
    this.deployment = told.deployment
    this.replica = told.replica
    this.address = told.address
    this.expectedCachedTokens = told.expectedCachedTokens
  }

  began(waitedMs: number): void {
    this.#send({ is: 'placeBegan', n: this.#n, waitedMs })
  }

  ended(end: PlaceEnd): void {
    this.#send({ is: 'placeEnded', n: this.#n, end })
  }
}
