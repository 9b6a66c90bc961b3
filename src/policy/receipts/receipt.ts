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

export interface AttemptReceipt {
  /** `upstream/model`. */
  readonly deployment: string
  /** Place of the replica in its upstream's list, from 0; absent where there is only one. */
  readonly replica?: number
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
    attempts: record.attempts.map(attemptReceipt),
  }
}

function attemptReceipt(attempt: AttemptRecord): AttemptReceipt {
  const { usage, rate, dollars, replica, route } = attempt
  const lines = usage === null || rate === null || dollars === null ? null : linesOf(usage, rate)
  return {
    deployment: attempt.deployment,
    ...(replica === null ? {} : { replica }),
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
