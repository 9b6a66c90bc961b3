import type { AttemptOutcome } from '../../vocabulary/outcome.ts'

/** Kinds of failures by which a transport brings no whole answer. */
export type FailureKind = 'unreachable' | 'cut' | 'timedOut'

/** Anthropic's own status for what others say by 503. */
const OVERLOADED = 529

/** How an attempt ended whose answer came whole, by its HTTP status. */
export function outcomeOfStatus(status: number): AttemptOutcome {
  if (status >= 200 && status < 300) return 'completed'
  if (status === 429) return 'rateLimited'
  if (status === 503 || status === OVERLOADED) return 'overloaded'
  if (status >= 500 && status < 600) return 'serverError'
  if (status >= 400 && status < 500) return 'rejected'
  // A redirect, or no status of HTTP at all: nothing that answers a call.
  return 'malformed'
}

/** How an attempt ended that brought no whole answer. */
export function outcomeOfFailure(kind: FailureKind): AttemptOutcome {
  return kind
}
