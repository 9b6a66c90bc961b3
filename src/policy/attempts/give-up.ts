import type { AttemptOutcome } from '../../vocabulary/outcome.ts'
import type { Refusal } from '../../vocabulary/refusal.ts'

/** What happened, as the caller's sentence begins. */
function sentenceOf(outcome: AttemptOutcome): string {
  switch (outcome) {
    case 'unreachable':
      return 'the upstream could not be reached'
    case 'cut':
      return 'the upstream broke its answer off'
    case 'malformed':
      return 'the upstream gave an answer that can not be read'
    case 'serverError':
      return 'the upstream failed'
    case 'overloaded':
      return 'the upstream is overloaded'
    case 'rateLimited':
      return 'the upstream limits the rate of calls'
    case 'rejected':
      return 'the upstream rejected the call'
    case 'firstTokenTimeout':
      return 'the upstream sent no content in time'
    case 'stalled':
      return 'the upstream stopped sending'
    case 'timedOut':
      return 'the upstream took too long'
    case 'callerLeft':
      return 'the call was broken off'
    case 'superseded':
      return 'another attempt took its place'
    case 'completed':
      return 'the call was completed'
  }
}

const TIMEOUTS: ReadonlySet<AttemptOutcome> = new Set(['firstTokenTimeout', 'stalled', 'timedOut'])
/** Outcomes after which nobody waits for a refusal; one that is made nevertheless is a fault of ours. */
const UNREFUSED: ReadonlySet<AttemptOutcome> = new Set(['completed', 'callerLeft', 'superseded'])

/**
 * What a caller is told when its last attempt brought nothing that could be relayed.
 *
 * @param detail what the transport said; null when it said nothing
 */
export function refusalAfter(outcome: AttemptOutcome, detail: string | null): Refusal {
  const message = detail === null ? sentenceOf(outcome) : `${sentenceOf(outcome)}: ${detail}`
  if (TIMEOUTS.has(outcome)) return { cause: 'upstreamTimeout', message }
  if (UNREFUSED.has(outcome)) return { cause: 'internal', message }
  return { cause: 'upstreamFailed', message }
}
