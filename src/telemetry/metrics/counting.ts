import type { CallTimings } from '../../ports/observer.ts'
import type { CallOutcome } from '../../vocabulary/outcome.ts'
import {
  type AttemptRecord,
  brokeAfterContent,
  type CallRecord,
  decidingAttempt,
  isWaste,
} from '../../vocabulary/record.ts'
import type { RefusalCause } from '../../vocabulary/refusal.ts'
import type { SpillRecord } from '../../vocabulary/scheduling.ts'
import { OWN_SECONDS, QUEUE_SECONDS } from './bounds.ts'
import { type CallSeries, SeriesTable } from './series.ts'
import { Tally } from './tally.ts'

/** The deployment of a call that never came to one. */
const NO_DEPLOYMENT = 'none'

/** What was counted of the calls of one tier. */
interface TierCounts {
  readonly queueSeconds: Tally
  readonly spills: Record<SpillRecord['why'], number>
}

/** Plain numbers that calls are counted in, on their path; a scrape reads them. */
export class Counting {
  readonly series = new SeriesTable()
  readonly refusals = new Map<RefusalCause, number>()
  readonly gatewaySeconds = new Tally(OWN_SECONDS)
  /** As many as there are tiers, which is bounded. */
  readonly tiers = new Map<string, TierCounts>()
  readonly commitSeconds = new Tally(OWN_SECONDS)
  inFlight = 0

  callEnded(record: CallRecord, timings: CallTimings): void {
    const { model, endpoint, attempts, outcome } = record
    this.inFlight -= 1
    for (let n = 0; n < attempts.length; n++) {
      const attempt = attempts[n]!
      const series = this.series.find(model, attempt.deployment, endpoint)
      countAttempt(series, attempt, outcome)
      if (n > 0 || attempt.outcome === 'superseded') countCompany(series, attempts, n)
    }
    const series = this.series.find(model, decidingAttempt(record)?.deployment ?? NO_DEPLOYMENT, endpoint)
    series.calls[outcome] += 1
    series.durations[outcome].observe(record.durationMs / 1_000)
    if (record.timeToFirstTokenMs !== null) series.timeToFirstToken.observe(record.timeToFirstTokenMs / 1_000)
    this.gatewaySeconds.observe(timings.gatewayMs / 1_000)
    this.#countTier(record)
    this.commitSeconds.observe(timings.commitMs / 1_000)
  }

  #countTier({ tier, queueMs, attempts }: CallRecord): void {
    if (tier === null) return
    let counts = this.tiers.get(tier)
    if (counts === undefined) {
      counts = { queueSeconds: new Tally(QUEUE_SECONDS), spills: { target: 0, full: 0 } }
      this.tiers.set(tier, counts)
    }
    counts.queueSeconds.observe(queueMs / 1_000)
    for (const { placement } of attempts) if (placement?.spill != null) counts.spills[placement.spill.why] += 1
  }

  callRefused(cause: RefusalCause, started: boolean): void {
    if (started) this.inFlight -= 1
    this.refusals.set(cause, (this.refusals.get(cause) ?? 0) + 1)
  }
}

/** Counts what an attempt was to the others of its call: the loser of a race, or a continuation. */
function countCompany(series: CallSeries, attempts: readonly AttemptRecord[], n: number): void {
  const attempt = attempts[n]!
  if (attempt.outcome !== 'superseded') {
    for (let before = 0; before < n; before++) {
      if (brokeAfterContent(attempts[before]!)) {
        series.continuations[attempt.outcome] += 1
        return
      }
    }
    return
  }
  const endedAt = attempt.startedAt + attempt.durationMs
  const lostToRival = attempts.some(
    (other, place) => place > n && other.outcome !== 'superseded' && other.startedAt < endedAt,
  )
  series.races[lostToRival ? 'rival' : 'first'] += 1
}

function countAttempt(series: CallSeries, attempt: AttemptRecord, callOutcome: CallOutcome): void {
  series.attempts[attempt.outcome] += 1
  countTokens(series, attempt)
  if (attempt.dollars !== null) {
    series.nanoDollars += attempt.dollars
    if (isWaste(attempt, callOutcome)) series.wastedNanoDollars[attempt.outcome] += attempt.dollars
  } else if (attempt.usage !== null) series.unratedAttempts += 1
}

function countTokens(series: CallSeries, { usage, durationMs, timeToFirstTokenMs }: AttemptRecord): void {
  if (usage === null) return
  const { inputTokens, cachedInputTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = usage
  const written = cacheWrite5mTokens + cacheWrite1hTokens
  // An upstream may contradict itself; a counter may not go back.
  series.inputTokens += Math.max(0, inputTokens - cachedInputTokens - written)
  series.cachedInputTokens += cachedInputTokens
  series.cacheWrite5mTokens += cacheWrite5mTokens
  series.cacheWrite1hTokens += cacheWrite1hTokens
  series.outputTokens += outputTokens
  series.inputSizes.observe(inputTokens)
  series.outputSizes.observe(outputTokens)
  if (timeToFirstTokenMs !== null && outputTokens > 1) {
    series.timePerOutputToken.observe((durationMs - timeToFirstTokenMs) / 1_000 / (outputTokens - 1))
  }
}
