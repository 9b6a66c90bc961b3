import { formatDollars, type NanoDollars } from '../../units/money.ts'
import { type DurationMs, formatTime } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { Caller } from '../../vocabulary/caller.ts'
import type { DialectName, Endpoint } from '../../vocabulary/dialect.ts'
import type { CallId } from '../../vocabulary/id.ts'
import type { AttemptOutcome, CallOutcome } from '../../vocabulary/outcome.ts'
import type { LineUnit } from '../../vocabulary/price.ts'
import type { AttemptRecord, CallRecord } from '../../vocabulary/record.ts'
import type { Route, RouteRecord } from '../../vocabulary/route.ts'
import type { SpillRecord } from '../../vocabulary/scheduling.ts'
import type { Usage } from '../../vocabulary/usage.ts'
import { linesOf } from '../pricing/rate.ts'

/** Dollars and prices are decimal strings, times RFC 3339, durations milliseconds of at most three decimals. */
export interface ReceiptLine {
  readonly unit: LineUnit
  readonly tokens: Tokens
  readonly dollarsPerMillion: string
  readonly dollars: string
}

/** Why an attempt went where it went. */
export interface RouteReceipt {
  readonly by: Route
  /** Those that could be asked, the preferred first. */
  readonly candidates: readonly {
    readonly deployment: string
    /** Less is better; null when not known. */
    readonly score: number | null
    /** What the call would probably cost there; null when nobody knows the price. */
    readonly dollars: string | null
  }[]
  readonly passedOver: readonly { readonly deployment: string; readonly why: string }[]
}

/** Why an attempt left the queue of owned engines for a hosted deployment. */
export interface SpillReceipt {
  readonly why: SpillRecord['why']
  /** How long the first token would have taken with waiting; null when not known. */
  readonly expectedMs: DurationMs | null
  readonly targetMs: DurationMs | null
  /** What missing the target was expected to be worth. */
  readonly harmDollars: string | null
  /** What the hosted deployment was expected to cost more. */
  readonly moreDollars: string | null
}

export interface AttemptReceipt {
  /** `upstream/model`. */
  readonly deployment: string
  /** Place of the replica in its upstream's list, from 0; absent where there is only one and nothing was placed. */
  readonly replica?: number
  /** Tokens of the prompt that were expected in the replica's cache; absent where nothing was placed. */
  readonly expectedCachedTokens?: Tokens
  readonly outcome: AttemptOutcome
  readonly status: number | null
  readonly startedAt: string
  readonly durationMs: DurationMs
  readonly timeToFirstTokenMs: DurationMs | null
  readonly usage: Omit<Usage, 'special'> | null
  /** Empty when nothing was used, and when the attempt is unrated. */
  readonly lines: readonly ReceiptLine[]
  /** Null when the attempt is unrated. */
  readonly dollars: string | null
  readonly priceBook: string | null
  /** Null: nobody knows. */
  readonly energy: null
  /** Absent where there was no choice. */
  readonly route?: RouteReceipt
  /** Absent where it was none. */
  readonly spill?: SpillReceipt
}

/** What a caller, or whoever pays for it, is shown of a call. Plain JSON. */
export interface Receipt {
  readonly id: CallId
  readonly at: string
  readonly model: string
  readonly dialect: DialectName
  readonly endpoint: Endpoint
  readonly caller: Caller
  readonly outcome: CallOutcome
  readonly status: number
  readonly streamed: boolean
  readonly heldDollars: string | null
  readonly dollars: string | null
  readonly durationMs: DurationMs
  readonly timeToFirstTokenMs: DurationMs | null
  /** Ended because a limit had no room for more. */
  readonly limited: boolean
  /** Used beyond what was held; null when nothing was. */
  readonly overrunDollars: string | null
  /** The model that a limit sent the call to; null when none did. */
  readonly downgradedTo: string | null
  /** The class of service that it was made in; null in receipts of before there were any. */
  readonly tier: string | null
  /** How long it waited for room in limits and for a place on an engine. */
  readonly queueMs: DurationMs
  readonly attempts: readonly AttemptReceipt[]
}

/** The receipt of a call: its record with every line of its bill computed anew. */
export function receiptOf(record: CallRecord): Receipt {
  const { key, team, user, tags, run } = record.caller
  return {
    id: record.id,
    at: formatTime(record.at),
    model: record.model,
    dialect: record.dialect,
    endpoint: record.endpoint,
    caller: { key, team, user, tags, run },
    outcome: record.outcome,
    status: record.status,
    streamed: record.streamed,
    heldDollars: toDollars(record.heldDollars),
    dollars: toDollars(record.dollars),
    durationMs: toMicroseconds(record.durationMs),
    timeToFirstTokenMs: toMicroseconds(record.timeToFirstTokenMs),
    limited: record.limited,
    overrunDollars: toDollars(record.overrunDollars),
    downgradedTo: record.downgradedTo,
    tier: record.tier,
    queueMs: toMicroseconds(record.queueMs),
    attempts: record.attempts.map(attemptReceipt),
  }
}

function attemptReceipt(attempt: AttemptRecord): AttemptReceipt {
  const { usage, rate, dollars, replica, route } = attempt
  const { expectedCachedTokens = null, spill = null } = attempt.placement ?? {}
  const lines = usage === null || rate === null || dollars === null ? null : linesOf(usage, rate)
  return {
    deployment: attempt.deployment,
    ...(replica === null ? {} : { replica }),
    ...(expectedCachedTokens === null ? {} : { expectedCachedTokens }),
    outcome: attempt.outcome,
    status: attempt.status,
    startedAt: formatTime(attempt.startedAt),
    durationMs: toMicroseconds(attempt.durationMs),
    timeToFirstTokenMs: toMicroseconds(attempt.timeToFirstTokenMs),
    usage: usage === null ? null : shownUsage(usage),
    lines: (lines ?? []).map(line => ({ ...line, dollars: formatDollars(line.dollars) })),
    dollars: toDollars(dollars),
    priceBook: rate?.priceBook ?? null,
    energy: null,
    ...(route === null ? {} : { route: routeReceipt(route) }),
    ...(spill === null ? {} : { spill: spillReceipt(spill) }),
  }
}

function routeReceipt({ by, candidates, passedOver }: RouteRecord): RouteReceipt {
  return {
    by,
    candidates: candidates.map(({ deployment, score, dollars }) => ({
      deployment,
      score,
      dollars: toDollars(dollars),
    })),
    passedOver: passedOver.map(({ deployment, why }) => ({ deployment, why })),
  }
}

function spillReceipt({ why, expectedMs, targetMs, harmDollars, moreDollars }: SpillRecord): SpillReceipt {
  return {
    why,
    expectedMs: toMicroseconds(expectedMs),
    targetMs: toMicroseconds(targetMs),
    harmDollars: toDollars(harmDollars),
    moreDollars: toDollars(moreDollars),
  }
}

function shownUsage(usage: Usage): Omit<Usage, 'special'> {
  const { inputTokens, cachedInputTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = usage
  const { reasoningTokens, source } = usage
  return {
    inputTokens,
    cachedInputTokens,
    cacheWrite5mTokens,
    cacheWrite1hTokens,
    outputTokens,
    reasoningTokens,
    source,
  }
}

function toDollars(amount: NanoDollars | null): string | null {
  return amount === null ? null : formatDollars(amount)
}

/** Rounds to whole microseconds: what a clock measures beyond them is noise. */
function toMicroseconds<Duration extends DurationMs | null>(duration: Duration): Duration {
  return (duration === null ? null : Math.round(duration * 1_000) / 1_000) as Duration
}
