import type { FaultKind } from '../../engines/faults/plan.ts'
import type { AttemptOutcome } from '../../vocabulary/outcome.ts'
import { must, type Told, type Tried } from './attempts.fixture.ts'

/** How an attempt may end that nobody ends before: plain, and streamed. */
type Ends = readonly [plain: readonly AttemptOutcome[], streamed: readonly AttemptOutcome[]]

/** What comes of silence: a bound ends it. */
const LATE = ['firstTokenTimeout', 'stalled'] as const

/** Streams may be over before a fault in their midst strikes. */
const ENDS: Readonly<Record<Exclude<FaultKind, 'status'>, Ends>> = {
  refuse: [['unreachable'], ['unreachable']],
  reset: [['unreachable'], ['unreachable']],
  neverAccept: [['unreachable'], ['unreachable', 'firstTokenTimeout']],
  html: [['malformed'], ['malformed']],
  errorInside200: [['serverError'], ['serverError', 'malformed']],
  emptyBody: [['malformed'], ['malformed']],
  noEvents: [['malformed'], ['cut']],
  keepAlives: [[], LATE],
  silenceAfterHeaders: [[], LATE],
  silence: [[], ['firstTokenTimeout']],
  truncatedJson: [['malformed'], ['cut', 'malformed', 'completed', ...LATE]],
  shortBody: [['cut'], ['cut', 'completed', ...LATE]],
  cutBeforeContent: [['cut'], ['cut', ...LATE]],
  roleOnly: [[], LATE],
  slow: [['completed'], ['completed', ...LATE]],
  slowTokens: [['completed'], ['completed', ...LATE]],
  cut: [['cut'], ['cut', 'completed', ...LATE]],
  endWithoutTerminal: [['malformed'], ['cut', 'completed', ...LATE]],
  halfFrame: [['malformed'], ['cut', 'malformed', 'completed', ...LATE]],
  garbage: [['malformed'], ['malformed', 'completed', ...LATE]],
  errorEvent: [['serverError'], ['serverError', 'completed', ...LATE]],
  stall: [[], [...LATE, 'completed']],
  noDone: [['completed'], ['completed', 'cut', ...LATE]],
}

const STATUSES: Readonly<Record<number, AttemptOutcome>> = { 429: 'rateLimited', 503: 'overloaded', 529: 'overloaded' }

export function outcomeOf(status: number): AttemptOutcome {
  return STATUSES[status] ?? (status < 500 ? 'rejected' : 'serverError')
}

/** Moments are sums of fractions. */
const SLACK_MS = 0.01

/** Each attempt ended as what was done to it allows. */
export function checkOutcomes(told: Told, totalMs: number): void {
  const { lived, tried } = told
  for (const each of tried) {
    const { record, asked, place } = each
    const { outcome } = record
    const who = `${lived.planned.id}, attempt ${place} (${asked.fault?.kind ?? 'no fault'}): ${outcome}`
    switch (outcome) {
      case 'callerLeft':
        must(lived.caller.leftAt !== null && lived.caller.leftAt.at <= each.endedAt, `${who}, but nobody left`)
        break
      case 'superseded':
        must(isBeaten(each, tried), `${who}, but by nobody`)
        break
      case 'timedOut':
        must(isTimeUp(told, each, totalMs), `${who}, but it was not the time`)
        break
      default:
        must(isAllowed(each, told), who)
    }
  }
}

function isBeaten({ endEvent, record }: Tried, tried: readonly Tried[]): boolean {
  return tried.some(
    other => other.record !== record && other.asked.event < endEvent && other.endEvent >= endEvent - 1_000_000,
  )
}

/** When the call had to be over, or to have begun. */
function isTimeUp(told: Told, tried: Tried, totalMs: number): boolean {
  return isAfter(told, tried, totalMs) || isDeadline(told, tried, totalMs)
}

/** Whether it was the caller's own bound that ended an attempt. */
export function isDeadline(told: Told, tried: Tried, totalMs: number): boolean {
  const { deadlineMs } = told.lived.planned
  return deadlineMs !== null && isAfter(told, tried, deadlineMs) && !isAfter(told, tried, totalMs)
}

function isAfter({ record }: Told, { endedAt }: Tried, ms: number): boolean {
  return Math.abs(endedAt - (record!.at + ms)) < SLACK_MS
}

function isAllowed({ record, asked, goesOn }: Tried, { record: call }: Told): boolean {
  const { outcome, status } = record
  const { fault, streamed, worked, upstream, endpoint } = asked
  if (outcome === 'completed' && call!.limited) return true
  // A continuation may contradict what was shown, and whoever answers it as plain has not understood.
  if (goesOn !== null && outcome === 'malformed') return true
  if (outcome === 'rejected' && status === 400 && worked === null && fault?.kind !== 'status') {
    return upstream.way === 'short' || (upstream.way === 'noPrefill' && goesOn === 'prefill')
  }
  // Simulated engines are never late, and one that waits for its caller is not silent.
  if (fault === null) return outcome === 'completed'
  if (fault.kind === 'status') return outcome === outcomeOf(fault.status)
  if (fault.kind === 'noDone' && outcome === 'cut') return endpoint !== 'chat/completions'
  return ENDS[fault.kind][streamed ? 1 : 0].includes(outcome)
}
