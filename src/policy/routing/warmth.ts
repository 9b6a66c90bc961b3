import type { EpochMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import { HIGH_BITS, nameHash } from './session.ts'

/** Sessions at deployments that are remembered, a power of two; where they are more, the oldest near by is forgotten. */
const ENTRIES = 32_768
/** Places in which an entry may lie, from the one that its hash names. */
const WINDOW = 8
/** Deployments whose share is kept apart; those beyond share theirs with another. */
const DEPLOYMENTS = 1_024

/** Words of an entry, 32 bits each; two are left over so that no entry lies in two cache lines. */
const ENTRY = { keyLow: 0, keyHigh: 1, atLow: 2, atHigh: 3, tokens: 4, share: 5, words: 8 } as const
/** Set in `keyHigh` of every entry that is used. */
const USED = 1 << HIGH_BITS
/** A share of 1 as it is kept: a fixed point of 16 bits. A kept share is one more, so that 0 says that none is known. */
const WHOLE = 1 << 16

/**
 * How long a prompt cache keeps what nobody asks for: five minutes with Anthropic by default, five to ten with OpenAI
 * (both in their guides to prompt caching, 2026).
 */
const LIFETIME_MS = 300_000
/** Shorter prompts are not cached: the least of OpenAI, and of most models of Anthropic. */
const LEAST_TOKENS = 1_024
/** Of what could be cached so much is expected to be where nothing was learnt: caches work in blocks and lose some. */
const ASSUMED_SHARE = 0.75
/** How much of what is newly seen goes into a session's own share, and into that of its deployment. */
const NEWEST_OF_SESSION = 0.5
const NEWEST_OF_DEPLOYMENT = 1 / 16

/** A call that a deployment answered. */
export interface WarmingCall {
  /** Of the whole prompt, cached or not. */
  readonly inputTokens: Tokens
  /** As the deployment reported them; null when it did not. */
  readonly cachedTokens: Tokens | null
  readonly startedAt: EpochMs
}

/**
 * Remembers of each session where its prompt was last computed, and expects of its next call what will be read from the
 * cache there. The table is of fixed size in shared memory, so that all threads know the same; what two of them write at
 * once may be lost, or make one expectation wrong, and nothing else depends on it.
 *
 * A deployment that reports fewer cached tokens than could have been gets fewer expected: a share is learnt for each
 * session, since some merely begin alike, and for each deployment, with which new sessions begin. Calls of sessions that
 * should be warm go on teaching where nothing is expected, so a deployment whose cache begins to work is noticed.
 */
export class Warmth {
  readonly #entries: Int32Array
  readonly #shares: Int32Array
  /** By name: of the configuration's deployments, so they are few. */
  readonly #hashes = new Map<string, number>()

  /** The memory of one table, about 1 MB, to be given to every thread. */
  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer((ENTRIES * ENTRY.words + DEPLOYMENTS) * Int32Array.BYTES_PER_ELEMENT)
  }

  constructor(memory: SharedArrayBuffer) {
    this.#entries = new Int32Array(memory, 0, ENTRIES * ENTRY.words)
    this.#shares = new Int32Array(memory, ENTRIES * ENTRY.words * Int32Array.BYTES_PER_ELEMENT, DEPLOYMENTS)
  }

  /**
   * Input tokens of a call that are probably in the prompt cache of a deployment.
   *
   * @param session of `sessionHash`; 0 for none
   * @param deployment `upstream/model`
   */
  cachedTokens(session: number, deployment: string, inputTokens: Tokens, now: EpochMs): Tokens {
    if (session === 0 || inputTokens < LEAST_TOKENS) return 0
    const entry = this.#find(session, this.#hashOf(deployment))
    if (entry < 0 || !isAlive(now - this.#at(entry))) return 0
    const cacheable = this.#cacheable(entry, inputTokens)
    return Math.floor((cacheable * Atomics.load(this.#entries, entry + ENTRY.share)) / WHOLE)
  }

  /** Learns from a call that was answered, at the moment when its usage is known. */
  learn(session: number, deployment: string, call: WarmingCall, now: EpochMs): void {
    if (session === 0) return
    const hash = this.#hashOf(deployment)
    const entry = this.#find(session, hash)
    let share = this.#shareOf(hash)
    if (entry >= 0 && isAlive(call.startedAt - this.#at(entry))) {
      share = Atomics.load(this.#entries, entry + ENTRY.share)
      const cacheable = this.#cacheable(entry, call.inputTokens)
      // What began before the prompt was there could not find it, so it teaches nothing.
      if (call.cachedTokens !== null && cacheable > 0) {
        const seen = Math.min(1, call.cachedTokens / cacheable) * WHOLE
        share = Math.round(share + NEWEST_OF_SESSION * (seen - share))
        this.#learnShare(hash, seen)
      }
    } else if (entry >= 0 && isAlive(now - this.#at(entry))) {
      share = Atomics.load(this.#entries, entry + ENTRY.share)
    }
    this.#write(entry >= 0 ? entry : this.#room(session, hash), session, hash, { tokens: call.inputTokens, share, now })
  }

  #hashOf(deployment: string): number {
    let hash = this.#hashes.get(deployment)
    if (hash === undefined) {
      hash = nameHash(deployment)
      this.#hashes.set(deployment, hash)
    }
    return hash
  }

  #cacheable(entry: number, inputTokens: Tokens): Tokens {
    const cacheable = Math.min(Atomics.load(this.#entries, entry + ENTRY.tokens), inputTokens)
    return cacheable < LEAST_TOKENS ? 0 : cacheable
  }

  #at(entry: number): EpochMs {
    const low = Atomics.load(this.#entries, entry + ENTRY.atLow) >>> 0
    return Atomics.load(this.#entries, entry + ENTRY.atHigh) * 2 ** 32 + low
  }

  #shareOf(hash: number): number {
    const kept = Atomics.load(this.#shares, hash % DEPLOYMENTS)
    return kept === 0 ? ASSUMED_SHARE * WHOLE : kept - 1
  }

  #learnShare(hash: number, seen: number): void {
    const share = this.#shareOf(hash)
    Atomics.store(this.#shares, hash % DEPLOYMENTS, 1 + Math.round(share + NEWEST_OF_DEPLOYMENT * (seen - share)))
  }

  /** @returns the place of an entry's first word, or -1 */
  #find(session: number, hash: number): number {
    const low = lowOf(session, hash)
    const high = highOf(session, hash)
    for (let i = 0; i < WINDOW; i++) {
      const entry = placeOf(low, i)
      if (
        Atomics.load(this.#entries, entry + ENTRY.keyLow) === low &&
        Atomics.load(this.#entries, entry + ENTRY.keyHigh) === high
      ) {
        return entry
      }
    }
    return -1
  }

  /** Where a new entry goes: a place that is empty, else that of the oldest. */
  #room(session: number, hash: number): number {
    const low = lowOf(session, hash)
    let oldest = placeOf(low, 0)
    let oldestAt = Number.POSITIVE_INFINITY
    for (let i = 0; i < WINDOW; i++) {
      const entry = placeOf(low, i)
      if (Atomics.load(this.#entries, entry + ENTRY.keyHigh) === 0) return entry
      const at = this.#at(entry)
      if (at < oldestAt) {
        oldest = entry
        oldestAt = at
      }
    }
    return oldest
  }

  /** Takes the key away while the rest changes, so that nobody finds one session's tokens under another's key. */
  #write(entry: number, session: number, hash: number, what: { tokens: Tokens; share: number; now: EpochMs }): void {
    const set = (word: number, value: number) => Atomics.store(this.#entries, entry + word, value)
    set(ENTRY.keyLow, 0)
    set(ENTRY.keyHigh, USED)
    set(ENTRY.atLow, (what.now % 2 ** 32) | 0)
    set(ENTRY.atHigh, Math.floor(what.now / 2 ** 32))
    set(ENTRY.tokens, Math.min(what.tokens, 2 ** 31 - 1))
    set(ENTRY.share, what.share)
    set(ENTRY.keyLow, lowOf(session, hash))
    set(ENTRY.keyHigh, highOf(session, hash))
  }
}

/** Never for what lies in the future: whoever began before an entry was written knew nothing of it. */
function isAlive(ageMs: number): boolean {
  return ageMs >= 0 && ageMs < LIFETIME_MS
}

function lowOf(session: number, hash: number): number {
  const mixed = Math.imul(session ^ hash, 0x2545f491)
  return mixed ^ (mixed >>> 15)
}

function highOf(session: number, hash: number): number {
  return (Math.floor(session / 2 ** 32) ^ (hash >>> (32 - HIGH_BITS))) | USED
}

function placeOf(low: number, i: number): number {
  return ((low + i) & (ENTRIES - 1)) * ENTRY.words
}
