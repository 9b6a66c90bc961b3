import type { EpochMs } from '../../units/time.ts'
import type { BreakerTerms } from '../../vocabulary/resilience.ts'
import type { Standing } from './replica.ts'
import type { Verdict } from './taken.ts'

const LEASE_MS = 60_000
const SLOW_MS = 30_000
const SLOW_END = 64
const MOST_QUIET_MS = 3_600_000

/** An attempt as the reference sees it. */
export interface ReferenceAttempt {
  isProbe: boolean
  /** How many times the breaker had changed when it began, or when it closed the breaker. */
  era: number
  isAnswered: boolean
}

/** A replica's breaker, slow start and quiet, written down as plainly as can be: everything that happened is a list. */
export class ReferenceReplica {
  readonly #terms: BreakerTerms
  /** Of the present era: when each attempt ended, and whether it failed. */
  #outcomes: { at: EpochMs; isFailure: boolean }[] = []
  #era = 0
  #openUntil: EpochMs | null = null
  #slow: { until: EpochMs; allowed: number; isTrial: boolean } | null = null
  #probe: { attempt: ReferenceAttempt; until: EpochMs } | null = null
  #quiets: EpochMs[] = []
  readonly outstanding = new Set<ReferenceAttempt>()

  constructor(terms: BreakerTerms) {
    this.#terms = terms
  }

  kind(now: EpochMs): Standing['kind'] {
    if (this.#openUntil !== null && now < this.#openUntil) return 'open'
    if (this.#quiets.some(until => now < until)) return 'quiet'
    if (this.#openUntil !== null) return this.#probe !== null && now < this.#probe.until ? 'probing' : 'ready'
    if (this.#slow !== null && now >= this.#slow.until) this.#slow = null
    return this.#slow !== null && this.outstanding.size >= this.#slow.allowed ? 'recovering' : 'ready'
  }

  take(now: EpochMs): ReferenceAttempt | null {
    const kind = this.kind(now)
    if (kind !== 'ready' && kind !== 'recovering') return null
    const attempt = { isProbe: this.#openUntil !== null, era: this.#era, isAnswered: false }
    if (attempt.isProbe) this.#probe = { attempt, until: now + LEASE_MS }
    this.outstanding.add(attempt)
    return attempt
  }

  answered(attempt: ReferenceAttempt, now: EpochMs): void {
    if (attempt.isAnswered) return
    attempt.isAnswered = true
    if (attempt.era !== this.#era) return
    if (this.#openUntil !== null) {
      this.#turn()
      this.#openUntil = null
      this.#slow = { until: now + SLOW_MS, allowed: 2, isTrial: true }
      attempt.era = this.#era
    } else if (this.#slow !== null) {
      this.#slow.allowed++
      if (this.#slow.allowed >= SLOW_END) this.#slow = null
    }
  }

  ended(attempt: ReferenceAttempt, verdict: Verdict, told: { now: EpochMs; quietUntil: EpochMs | null }): void {
    const { now, quietUntil } = told
    this.outstanding.delete(attempt)
    if (quietUntil !== null) this.#quiets.push(Math.min(quietUntil, now + MOST_QUIET_MS))
    if (verdict === 'none') {
      if (this.#probe?.attempt === attempt) this.#probe = null
      return
    }
    const isFailure = verdict === 'failed'
    if (!isFailure) this.answered(attempt, now)
    if (attempt.era !== this.#era) return
    if (this.#openUntil !== null) {
      if (isFailure && this.#probe?.attempt === attempt) this.#open(now)
      return
    }
    this.#outcomes.push({ at: now, isFailure })
    if (isFailure && (this.#slow?.isTrial || this.#isTooMuch(now))) this.#open(now)
    if (!isFailure && this.#slow !== null) this.#slow.isTrial = false
  }

  #isTooMuch(now: EpochMs): boolean {
    const { failures, withinMs } = this.#terms
    const pieceMs = withinMs / 10
    const recent = this.#outcomes.filter(({ at }) => Math.floor(now / pieceMs) - Math.floor(at / pieceMs) <= 10)
    const failed = recent.filter(({ isFailure }) => isFailure).length
    if (failed < failures) return false
    return this.#outcomes.slice(-failures).every(({ isFailure }) => isFailure) || failed >= recent.length / 20
  }

  #open(now: EpochMs): void {
    this.#turn()
    this.#slow = null
    this.#openUntil = now + this.#terms.openMs
  }

  #turn(): void {
    this.#era++
    this.#outcomes = []
    this.#probe = null
  }
}
