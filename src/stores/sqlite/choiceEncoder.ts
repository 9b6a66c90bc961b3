import type { AttemptRecord } from '../../vocabulary/record.ts'
import type { RouteRecord } from '../../vocabulary/route.ts'
import { ROUTE_CODES, TABLE } from './codes.ts'
import type { Names } from './names.ts'
import { CANDIDATE, CHOICE, PASSED_OVER } from './ring.ts'
import { MAX_ROUTE_NAMES } from './routeBytes.ts'
import { toAmount, toWhole } from './whole.ts'

/** Words that the choices of one call take at most; what its routes name beyond that is left out. */
export const MAX_CHOICE_WORDS = 16_384
/** Of a deployment's name in a route, and of a reason; the rest of a longer one is not worth a record. */
export const MAX_PHRASE_CHARACTERS = 160
/** Different reasons that are kept as they are; a ledger must not grow for one that has a number in it. */
export const MAX_REASONS = 1_000
export const OTHER_REASON = 'for another reason'

function hasChoice({ replica, route }: AttemptRecord): boolean {
  return replica !== null || route !== null
}

/** Puts where attempts went into words of the ring; calls without a choice take none. */
export class ChoiceEncoder {
  readonly #names: Names
  readonly #reasons = new Set<string>()
  /** The choices of the call at hand. */
  #numbers = new Float64Array(64)
  #integers = new BigInt64Array(this.#numbers.buffer)
  #end = 0

  constructor(names: Names) {
    this.#names = names
  }

  /**
   * Gathers the choices of a call, with numbers for their texts.
   *
   * @returns how many words they take, or -1 while the ring has no room for the texts
   */
  gather(attempts: readonly AttemptRecord[]): number {
    this.#end = 0
    for (let n = 0; n < attempts.length; n++) {
      if (hasChoice(attempts[n]!)) return this.#gatherAll(attempts) ? this.#end : -1
    }
    return 0
  }

  /** Writes what was gathered. */
  put(into: Float64Array, at: number): void {
    into.set(this.#numbers.subarray(0, this.#end), at)
  }

  #gatherAll(attempts: readonly AttemptRecord[]): boolean {
    const share = Math.floor(MAX_CHOICE_WORDS / attempts.length) - CHOICE.words
    for (const { replica, route } of attempts) {
      const mostCandidates = Math.min(MAX_ROUTE_NAMES, Math.floor(share / CANDIDATE.words))
      const candidates = Math.min(route?.candidates.length ?? 0, mostCandidates)
      const left = Math.floor((share - candidates * CANDIDATE.words) / PASSED_OVER.words)
      const passedOver = Math.min(route?.passedOver.length ?? 0, MAX_ROUTE_NAMES, left)
      const at = this.#end
      this.#reserve(CHOICE.words + candidates * CANDIDATE.words + passedOver * PASSED_OVER.words)
      this.#numbers[at + CHOICE.replica] = replica === null ? Number.NaN : toWhole(replica)
      this.#numbers[at + CHOICE.by] = route === null ? Number.NaN : ROUTE_CODES[route.by]!
      this.#numbers[at + CHOICE.candidates] = candidates
      this.#numbers[at + CHOICE.passedOver] = passedOver
      if (route !== null && !this.#gatherRoute(at + CHOICE.words, route, candidates, passedOver)) return false
    }
    return true
  }

  /** @returns false while the ring has no room */
  #gatherRoute(start: number, route: RouteRecord, candidates: number, passedOver: number): boolean {
    let at = start
    for (let n = 0; n < candidates; n++, at += CANDIDATE.words) {
      const { deployment, score, dollars } = route.candidates[n]!
      const name = this.#phrase(deployment)
      if (name < 0) return false
      this.#numbers[at + CANDIDATE.deployment] = name
      this.#numbers[at + CANDIDATE.score] = score ?? Number.NaN
      this.#integers[at + CANDIDATE.dollars] = toAmount(dollars)
    }
    for (let n = 0; n < passedOver; n++, at += PASSED_OVER.words) {
      const { deployment, why } = route.passedOver[n]!
      const name = this.#phrase(deployment)
      const reason = this.#phrase(this.#knownReason(why))
      if (name < 0 || reason < 0) return false
      this.#numbers[at + PASSED_OVER.deployment] = name
      this.#numbers[at + PASSED_OVER.why] = reason
    }
    return true
  }

  #phrase(text: string): number {
    return this.#names.number(TABLE.phrases, shortened(text))
  }

  #knownReason(why: string): string {
    const reason = shortened(why)
    if (this.#reasons.has(reason)) return reason
    if (this.#reasons.size >= MAX_REASONS) return OTHER_REASON
    this.#reasons.add(reason)
    return reason
  }

  #reserve(words: number): void {
    this.#end += words
    if (this.#end <= this.#numbers.length) return
    const grown = new Float64Array(2 * this.#end)
    grown.set(this.#numbers)
    this.#numbers = grown
    this.#integers = new BigInt64Array(grown.buffer)
  }
}

function shortened(text: string): string {
  return text.length > MAX_PHRASE_CHARACTERS ? text.slice(0, MAX_PHRASE_CHARACTERS) : text
}
