import type { AttemptRecord } from '../../vocabulary/record.ts'
import type { RouteRecord } from '../../vocabulary/route.ts'
import type { SpillRecord } from '../../vocabulary/scheduling.ts'
import { ROUTE_CODES, SPILL_CODES, TABLE } from './codes.ts'
import type { Names } from './names.ts'
import { CANDIDATE, CHOICE, PASSED_OVER, SPILL } from './ring.ts'
import { MAX_REASON_CHARACTERS, MAX_ROUTE_NAMES } from './routeBytes.ts'
import { toAmount, toMicroseconds, toWhole } from './whole.ts'

/** Words that the choices of one call take at most; what its routes name beyond that is left out. */
export const MAX_CHOICE_WORDS = 24_576
/** Of a deployment's name in a route; the rest of a longer one is not worth a record. */
export const MAX_CONTENDER_CHARACTERS = 256

function hasChoice({ replica, route, placement }: AttemptRecord): boolean {
  return replica !== null || route !== null || placement !== null
}

/** Puts where attempts went into words of the ring; calls without a choice take none. */
export class ChoiceEncoder {
  readonly #names: Names
  /** The choices of the call at hand. */
  #numbers = new Float64Array(64)
  #integers = new BigInt64Array(this.#numbers.buffer)
  #bytes = Buffer.from(this.#numbers.buffer)
  #end = 0

  constructor(names: Names) {
    this.#names = names
  }

  /**
   * Gathers the choices of a call, with numbers for the names in them.
   *
   * @returns how many words they take, or -1 while the ring has no room for the names
   */
  gather(attempts: readonly AttemptRecord[]): number {
    this.#end = 0
    for (let n = 0; n < attempts.length; n++) {
      if (hasChoice(attempts[n]!)) return this.#gatherAll(attempts) ? this.#end : -1
    }
    return 0
  }

  /** Writes what was gathered: as integers, since a copy of floats may change the bits of those that are no numbers. */
  put(into: BigInt64Array, at: number): void {
    into.set(this.#integers.subarray(0, this.#end), at)
  }

  #gatherAll(attempts: readonly AttemptRecord[]): boolean {
    const share = Math.floor(MAX_CHOICE_WORDS / attempts.length)
    for (const { replica, route, placement } of attempts) {
      const at = this.#end
      this.#reserve(CHOICE.words)
      this.#numbers[at + CHOICE.replica] = wholeOrNone(replica)
      this.#numbers[at + CHOICE.by] = route === null ? Number.NaN : ROUTE_CODES[route.by]!
      this.#numbers[at + CHOICE.expected] = wholeOrNone(placement?.expectedCachedTokens)
      this.#numbers[at + CHOICE.spill] = this.#spill(placement?.spill ?? null)
      const candidates = route === null ? 0 : this.#candidates(route, at + share)
      this.#numbers[at + CHOICE.candidates] = candidates
      const passedOver = route === null ? 0 : this.#passedOver(route, at + share)
      this.#numbers[at + CHOICE.passedOver] = passedOver
      if (candidates < 0 || passedOver < 0) return false
    }
    return true
  }

  /** @returns why it was one; NaN where it was none */
  #spill(spill: SpillRecord | null): number {
    if (spill === null) return Number.NaN
    const at = this.#end
    this.#reserve(SPILL.words)
    this.#numbers[at + SPILL.expected] = toMicroseconds(spill.expectedMs)
    this.#numbers[at + SPILL.target] = toMicroseconds(spill.targetMs)
    this.#integers[at + SPILL.harm] = toAmount(spill.harmDollars)
    this.#integers[at + SPILL.more] = toAmount(spill.moreDollars)
    return SPILL_CODES[spill.why]!
  }

  /** @returns how many there was room for before `end`, or -1 while the ring has none for a name */
  #candidates({ candidates }: RouteRecord, end: number): number {
    for (let n = 0; n < candidates.length; n++) {
      const at = this.#end
      if (n === MAX_ROUTE_NAMES || at + CANDIDATE.words > end) return n
      const { deployment, score, dollars } = candidates[n]!
      const name = this.#name(deployment)
      if (name < 0) return -1
      this.#reserve(CANDIDATE.words)
      this.#numbers[at + CANDIDATE.deployment] = name
      this.#numbers[at + CANDIDATE.score] = score ?? Number.NaN
      this.#integers[at + CANDIDATE.dollars] = toAmount(dollars)
    }
    return candidates.length
  }

  #passedOver({ passedOver }: RouteRecord, end: number): number {
    for (let n = 0; n < passedOver.length; n++) {
      const at = this.#end
      const { deployment, why } = passedOver[n]!
      const reason = shortened(why, MAX_REASON_CHARACTERS)
      const most = PASSED_OVER.words + ((3 * reason.length + 7) >> 3)
      if (n === MAX_ROUTE_NAMES || at + most > end) return n
      const name = this.#name(deployment)
      if (name < 0) return -1
      this.#reserve(most)
      this.#numbers[at + PASSED_OVER.deployment] = name
      const bytes = this.#bytes.write(reason, (at + PASSED_OVER.words) * 8, 'utf8')
      this.#numbers[at + PASSED_OVER.bytes] = bytes
      this.#end = at + PASSED_OVER.words + ((bytes + 7) >> 3)
    }
    return passedOver.length
  }

  #name(deployment: string): number {
    return this.#names.number(TABLE.contenders, shortened(deployment, MAX_CONTENDER_CHARACTERS))
  }

  #reserve(words: number): void {
    this.#end += words
    if (this.#end <= this.#numbers.length) return
    const grown = new Float64Array(2 * this.#end)
    // As integers: a copy of floats may change the bits of those that are no numbers.
    const integers = new BigInt64Array(grown.buffer)
    integers.set(this.#integers)
    this.#numbers = grown
    this.#integers = integers
    this.#bytes = Buffer.from(grown.buffer)
  }
}

function wholeOrNone(value: number | null | undefined): number {
  return value === null || value === undefined ? Number.NaN : toWhole(value)
}

function shortened(text: string, most: number): string {
  return text.length > most ? text.slice(0, most) : text
}
