import type { NanoDollars } from '../units/money.ts'
import type { DurationMs, EpochMs } from '../units/time.ts'
import type { Caller } from './caller.ts'
import type { DialectName, Endpoint } from './dialect.ts'
import type { CallId } from './id.ts'
import type { AttemptOutcome, CallOutcome } from './outcome.ts'
import type { Rate } from './price.ts'
import type { RouteRecord } from './route.ts'
import type { PlacementRecord } from './scheduling.ts'
import type { Usage } from './usage.ts'

/** What the ledger keeps of one attempt at one deployment. */
export interface AttemptRecord {
  /** `upstream/model`. */
  readonly deployment: string
  readonly outcome: AttemptOutcome
  /** HTTP status of the upstream's answer; null when none came. */
  readonly status: number | null
  readonly startedAt: EpochMs
  readonly durationMs: DurationMs
  /** From the start of the attempt to the first content; null when none came or the answer was not streamed. */
  readonly timeToFirstTokenMs: DurationMs | null
  /** Null when the attempt used nothing, as when it never reached the upstream. */
  readonly usage: Usage | null
  /** The prices that applied; null when there was no usage or no price is known. */
  readonly rate: Rate | null
  /** Sum of the lines; null when unrated. */
  readonly dollars: NanoDollars | null
  /** Place of the replica in its upstream's list; null where there is only one and nothing was placed. */
  readonly replica: number | null
  /** Why it went there; null where there was no choice. */
  readonly route: RouteRecord | null
  /** What the scheduler expected; null where it had no part in it. */
  readonly placement: PlacementRecord | null
}

/** What the ledger keeps of one call: written once, when it has ended, before its last byte is sent. */
export interface CallRecord {
  readonly id: CallId
  readonly at: EpochMs
  /** The name that the caller asked for. */
  readonly model: string
  readonly dialect: DialectName
  readonly endpoint: Endpoint
  readonly caller: Caller
  readonly outcome: CallOutcome
  /** HTTP status that the caller was sent, or would have been. */
  readonly status: number
  readonly streamed: boolean
  /** What was held for the call in all, with what was added while it ran; null when no price is known. */
  readonly heldDollars: NanoDollars | null
  /** Sum of the attempts' dollars; null when one of them is unrated. */
  readonly dollars: NanoDollars | null
  readonly durationMs: DurationMs
  readonly timeToFirstTokenMs: DurationMs | null
  readonly attempts: readonly AttemptRecord[]
  /** True when the answer was ended because a limit had no room for more of it. */
  readonly limited: boolean
  /** Dollars used beyond what was held; null when nothing was, or nobody knows. */
  readonly overrunDollars: NanoDollars | null
  /** The model that a limit sent the call to, instead of the one that the caller asked for; null when none did. */
  readonly downgradedTo: string | null
  /** The class of service that it was made in; null in records of before there were any. */
  readonly tier: string | null
  /** How long it waited for room in limits and for a place on an engine. */
  readonly queueMs: DurationMs
}

/**
 * The attempt that the call ended with: the one that completed, else the last one that was not given up for a rival, so
 * that the loser of a race never speaks for the call. Undefined where there was no attempt.
 */
export function decidingAttempt({ attempts }: Pick<CallRecord, 'attempts'>): AttemptRecord | undefined {
  return (
    attempts.findLast(({ outcome }) => outcome === 'completed') ??
    attempts.findLast(({ outcome }) => outcome !== 'superseded') ??
    attempts.at(-1)
  )
}

/** Whether an attempt broke off after the caller was shown some of its content; its losing rival shows nothing. */
export function brokeAfterContent({ outcome, timeToFirstTokenMs }: AttemptRecord): boolean {
  return outcome !== 'completed' && outcome !== 'superseded' && timeToFirstTokenMs !== null
}

/**
 * Whether what an attempt cost bought its caller nothing: it did not complete. One that broke off after its first content
 * is no waste where the call completed, since another attempt went on from what it had shown.
 */
export function isWaste(attempt: AttemptRecord, callOutcome: CallOutcome): boolean {
  if (attempt.outcome === 'completed') return false
  return callOutcome !== 'completed' || !brokeAfterContent(attempt)
}
