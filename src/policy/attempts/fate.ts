import type { EpochMs } from '../../units/time.ts'
import type { AttemptOutcome } from '../../vocabulary/outcome.ts'
import type { Verdict } from '../health/taken.ts'

/** What is known of an attempt that has ended, for what comes next. */
export interface EndedAttempt {
  /** `upstream/model`. */
  readonly deployment: string
  readonly replica: number
  readonly outcome: AttemptOutcome
  /** HTTP status of the upstream's answer; null when none came. */
  readonly status: number | null
  /** When the upstream may be asked again by its own word; null when it said nothing. */
  readonly quietUntil: EpochMs | null
  /** It said that the conversation is too long for its model. */
  readonly isTooLong: boolean
  /** It said that asking again can't help (`x-should-retry: false`). */
  readonly isFinal: boolean
  /** It was asked to go on with what another one began: a refusal is about that, not about the caller's request. */
  readonly isContinuation: boolean
  readonly endedAt: EpochMs
}

/**
 * What an attempt that ended leaves to be done:
 * - `answer`: nothing, it is the answer of the call, or nobody waits for one;
 * - `otherReplica`: another replica or deployment may do better, the same one not;
 * - `otherDeployment`: this deployment says no, whichever replica is asked;
 * - `again`: it failed in a way that passes, and may be asked once more.
 */
export type Fate = 'answer' | 'otherReplica' | 'otherDeployment' | 'again'

/** Refusals that are about the request itself: any other upstream would say the same. */
const CALLERS_STATUSES: ReadonlySet<number> = new Set([400, 413, 422])

/** What has to be done after an attempt. */
export function fateOf(attempt: EndedAttempt): Fate {
  const { outcome, status, isTooLong, isFinal, isContinuation, quietUntil } = attempt
  switch (outcome) {
    case 'completed':
    case 'callerLeft':
      return 'answer'
    case 'rejected':
      return CALLERS_STATUSES.has(status ?? 0) && !isTooLong && !isContinuation ? 'answer' : 'otherDeployment'
    case 'serverError':
    case 'overloaded':
      return isFinal ? 'otherReplica' : 'again'
    case 'rateLimited':
      return quietUntil === null || isFinal ? 'otherReplica' : 'again'
    case 'unreachable':
    case 'firstTokenTimeout':
    case 'stalled':
    case 'timedOut':
    case 'cut':
    case 'malformed':
    case 'superseded':
      return 'otherReplica'
  }
}

/** A key that the upstream does not know will not be known to the next call either. */
const UNKNOWN_KEY = 401

/**
 * How an attempt speaks of the health of the replica that was asked.
 *
 * @param isOurs the attempt was broken off by a bound of the caller or of the gateway, not for being slow
 */
export function healthVerdict(outcome: AttemptOutcome, status: number | null, isOurs: boolean): Verdict {
  if (isOurs) return 'none'
  switch (outcome) {
    case 'completed':
      return 'well'
    case 'rejected':
      // What callers ask for must not shut a deployment for others: a refusal shows that it is alive.
      return status === UNKNOWN_KEY ? 'failed' : 'well'
    case 'rateLimited':
      return 'limited'
    case 'callerLeft':
    case 'superseded':
      return 'none'
    case 'serverError':
    case 'overloaded':
    case 'unreachable':
    case 'firstTokenTimeout':
    case 'stalled':
    case 'timedOut':
    case 'cut':
    case 'malformed':
      return 'failed'
  }
}
