import { estimateInputTokens, estimateOutputTokens } from '../policy/estimate/estimate.ts'
import { rate } from '../policy/pricing/rate.ts'
import type { Tariff } from '../policy/pricing/tariff.ts'
import type { AnswerSummary } from '../ports/wire.ts'
import type { NanoDollars } from '../units/money.ts'
import type { EpochMs } from '../units/time.ts'
import type { Amounts } from '../vocabulary/limited-call.ts'
import type { AttemptOutcome } from '../vocabulary/outcome.ts'
import type { Rate } from '../vocabulary/price.ts'
import type { Usage } from '../vocabulary/usage.ts'
import type { Attempt } from './attempt.ts'
import type { Call } from './call.ts'

/** What one attempt used and what that costs. */
export interface Metered {
  readonly usage: Usage | null
  readonly rate: Rate | null
  /** Null when the price is unknown; zero when nothing was used. */
  readonly dollars: NanoDollars | null
}

const NOTHING: Metered = { usage: null, rate: null, dollars: 0n }

/** Outcomes in which an upstream has done no work that it bills: it refused, broke before it answered, or was never reached. */
const UNBILLED: ReadonlySet<AttemptOutcome> = new Set([
  'rejected',
  'rateLimited',
  'overloaded',
  'serverError',
  'unreachable',
])

/**
 * Meters an attempt that has ended: what the upstream reported, else an estimate from what was sent and shown, never
 * beyond what was held.
 *
 * @param summary of a plain answer; null for a stream and for an answer that never came
 */
export function meter(
  call: Call,
  attempt: Attempt,
  summary: AnswerSummary | null,
  context: { readonly held: Amounts; readonly tariff: Tariff | null; readonly at: EpochMs },
): Metered {
  // Counting tokens is free at every provider that offers it.
  if (call.wire.endpoint === 'messages/count_tokens') return NOTHING
  if (attempt.isUnsent) return NOTHING
  // Nobody bills a redirect or an error.
  if (attempt.status !== null && (attempt.status < 200 || attempt.status >= 300)) return NOTHING
  const usage = usageOf(call, attempt, summary, context.held)
  if (usage === null) return NOTHING
  const rated = rate(context.tariff, usage, context.at)
  return { usage, rate: rated.rate, dollars: rated.dollars }
}

function usageOf(call: Call, attempt: Attempt, summary: AnswerSummary | null, held: Amounts): Usage | null {
  const { reader, outcome } = attempt
  if (summary?.usage) return summary.usage
  const isWhole = outcome === 'completed' && !attempt.limited
  if (reader?.usage && (reader.usageFinal || isWhole)) return reader.usage
  const contentBytes = reader?.contentBytes ?? summary?.contentBytes ?? (outcome === 'cut' ? attempt.answerBytes : 0)
  if (contentBytes === 0 && outcome !== null && UNBILLED.has(outcome)) return null
  const reported = reader?.usage ?? null
  // What breaks off in the middle is an estimate even where its beginning was reported: it stays within the hold.
  const promptBytes = call.body.promptBytes + (attempt.errand.continuation?.toldBytes ?? 0)
  const inputTokens = Math.min(reported?.inputTokens ?? estimateInputTokens(promptBytes), held.inputTokens)
  const cachedInputTokens = Math.min(reported?.cachedInputTokens ?? 0, inputTokens)
  const cacheWrite5mTokens = Math.min(reported?.cacheWrite5mTokens ?? 0, inputTokens - cachedInputTokens)
  const restOfInput = inputTokens - cachedInputTokens - cacheWrite5mTokens
  const output = Math.max(reported?.outputTokens ?? 0, estimateOutputTokens(contentBytes))
  return {
    inputTokens,
    cachedInputTokens,
    cacheWrite5mTokens,
    cacheWrite1hTokens: Math.min(reported?.cacheWrite1hTokens ?? 0, restOfInput),
    outputTokens: Math.min(output, held.outputTokens),
    reasoningTokens: 0,
    source: 'estimated',
  }
}
