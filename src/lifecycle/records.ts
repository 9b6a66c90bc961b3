import type { NanoDollars } from '../units/money.ts'
import type { AttemptRecord } from '../vocabulary/record.ts'
import type { Attempt } from './attempt.ts'
import type { Metered } from './metering.ts'

/** Dollars of all attempts; null when one of them is unrated. */
export function sumOf(attempts: readonly AttemptRecord[]): NanoDollars | null {
  let sum = 0n
  for (const { dollars } of attempts) {
    if (dollars === null) return null
    sum += dollars
  }
  return sum
}

/** An attempt that has ended, as the ledger keeps it. */
export function recordOf(attempt: Attempt, metered: Metered): AttemptRecord {
  const { errand, outcome, status, startedAt, started, firstTokenAt, endedAt } = attempt
  const { deployment, replica, route, placement } = errand
  return {
    deployment: deployment.name,
    outcome: outcome!,
    status,
    startedAt,
    durationMs: endedAt! - started,
    timeToFirstTokenMs: firstTokenAt === null ? null : firstTokenAt - started,
    ...metered,
    replica: deployment.replicas > 1 || placement?.expectedCachedTokens != null ? replica : null,
    route,
    placement,
  }
}
