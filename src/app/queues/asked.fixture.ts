import type { Cancel } from '../../ports/clock.ts'
import type { Place, PlaceAnswer, PlaceAsk, PlaceEnd, Places } from '../../ports/places.ts'
import type { VirtualTime } from '../outages/time.fixture.ts'

/** A call that asked for a place, and what it was told. */
export interface Asked {
  readonly ask: PlaceAsk
  readonly event: number
  readonly at: number
  /** Calls that waited when it came, and their bytes. */
  readonly waitingThen: { readonly calls: number; readonly bytes: number }
  answer: PlaceAnswer | null
  answeredAt: number
  answerEvent: number
  leftAt: number | null
  leftEvent: number
  /** How its place ended, and when; null while it has it, and where it has none. */
  end: PlaceEnd | null
  endedAt: number
}

/** Stands between calls and whoever gives places, and notes what passes. */
export class NotedPlaces implements Places {
  readonly all: Asked[] = []
  readonly waiting = new Set<Asked>()
  /** Places that nobody has given back. */
  readonly held = new Set<Asked>()
  #bytes = 0
  readonly #places: Places
  readonly #time: VirtualTime
  readonly #heard: (asked: Asked) => void

  /** @param heard told of every answer before the call is */
  constructor(places: Places, time: VirtualTime, heard: (asked: Asked) => void) {
    this.#places = places
    this.#time = time
    this.#heard = heard
  }

  /** How many places of a replica nobody has given back. */
  heldAt(upstream: string, replica: number): number {
    let count = 0
    for (const { answer } of this.held) {
      const { place } = answer as Extract<PlaceAnswer, { kind: 'place' }>
      if (place.replica === replica && place.deployment.startsWith(`${upstream}/`)) count++
    }
    return count
  }

  ask(ask: PlaceAsk, answer: (answer: PlaceAnswer) => void): Cancel | null {
    const asked: Asked = {
      ask,
      event: this.#time.event(),
      at: this.#time.now(),
      waitingThen: { calls: this.waiting.size, bytes: this.#bytes },
      answer: null,
      answeredAt: 0,
      answerEvent: 0,
      leftAt: null,
      leftEvent: 0,
      end: null,
      endedAt: 0,
    }
    this.all.push(asked)
    this.#wait(asked, true)
    const leave = this.#places.ask(ask, said => {
      if (asked.answer !== null) throw new Error('a call for a place was answered twice')
      if (asked.leftAt !== null) throw new Error('a call for a place that left was answered')
      this.#wait(asked, false)
      asked.answer = said
      asked.answeredAt = this.#time.now()
      asked.answerEvent = this.#time.event()
      if (said.kind === 'place') this.held.add(asked)
      this.#heard(asked)
      answer(said.kind === 'place' ? { ...said, place: this.#noted(asked, said.place) } : said)
    })
    if ((leave === null) !== (asked.answer !== null)) throw new Error('a call neither waits nor was answered')
    if (leave === null) return null
    return () => {
      asked.leftAt = this.#time.now()
      asked.leftEvent = this.#time.event()
      this.#wait(asked, false)
      leave()
    }
  }

  #wait(asked: Asked, isIn: boolean): void {
    if (isIn === this.waiting.has(asked)) return
    if (isIn) this.waiting.add(asked)
    else this.waiting.delete(asked)
    this.#bytes += isIn ? asked.ask.bytes : -asked.ask.bytes
  }

  #noted(asked: Asked, place: Place): Place {
    const { deployment, replica, address, expectedCachedTokens } = place
    return {
      deployment,
      replica,
      address,
      expectedCachedTokens,
      began: waitedMs => place.began(waitedMs),
      ended: end => {
        asked.end ??= end
        this.held.delete(asked)
        asked.endedAt = this.#time.now()
        place.ended(end)
      },
    }
  }
}
