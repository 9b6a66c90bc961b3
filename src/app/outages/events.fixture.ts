import type { Resilience } from '../../vocabulary/resilience.ts'
import { lastOf, must, type Told, type Tried } from './attempts.fixture.ts'
import { type BreakersSeen, isDisagreement } from './breakers.fixture.ts'
import type { Plan } from './draw.fixture.ts'

/** A model has answered so many calls before any gets a rival, and so many for each rival. */
const [FIRST_CALLS, CALLS_A_HEDGE] = [50, 20]

/** Attempts that began while another one of their call was under way. */
function rivalsIn({ tried }: Told): readonly Tried[] {
  return tried.filter(({ asked }) =>
    tried.some(other => other.asked.event < asked.event && asked.event < other.endEvent),
  )
}

/** Rivals are few. */
export function checkRivals(told: readonly Told[], plan: Plan): void {
  const answers = told.flatMap(call => {
    const last = lastOf(call)
    return last?.record.outcome === 'completed' ? [last.endEvent] : []
  })
  // One in the place of a rival that failed is the same rival to the budget.
  const rivals = told
    .flatMap(call => rivalsIn(call).slice(0, 1))
    .sort((one, other) => one.asked.event - other.asked.event)
  for (const [place, { asked }] of rivals.entries()) {
    const answered = plan.answeredBefore + answers.filter(event => event < asked.event).length
    must(answered >= FIRST_CALLS, `${asked.call}: a rival after ${answered} answers`)
    must((place + 1) * CALLS_A_HEDGE <= answered, `${asked.call}: ${place + 1} rivals after ${answered} answers`)
  }
}

/** Everything that a history should come across now and then. */
export const EVENTS = [
  'hedge won',
  'hedge lost',
  'continuation joined',
  'continuation joined anew',
  'continuation disagreed',
  'waited for retry-after',
  'paused before asking again',
  'prompt too long for one',
  'probe succeeded',
  'probe failed',
  'slow start',
  'limit refused',
  'limit ended a stream',
  'limit stopped a further attempt',
  'nobody could be asked',
  'drained',
  'drain ran out',
  'left before anything was shown',
  'deadline',
  'total',
] as const

export type Event = (typeof EVENTS)[number]

export function eventsOf(told: Told, resilience: Resilience): readonly Event[] {
  const found = [...ofRivals(told), ...ofContinuations(told), ...ofWaits(told), ...ofCaller(told)]
  const { lived, record, tried } = told
  if (record === null && lived.caller.text.includes('"scope"')) found.push('limit refused')
  if (record === null && /no_deployment|overloaded_error/.test(lived.caller.text)) found.push('nobody could be asked')
  if (record?.limited) found.push('limit ended a stream')
  const lastEnd = Math.max(...tried.map(({ endEvent }) => endEvent))
  const isStopped = record?.outcome === 'failed' && lived.denied.some(({ event }) => event > lastEnd)
  if (isStopped && tried.length < resilience.attempts) found.push('limit stopped a further attempt')
  if (tried.some(({ record }) => record.outcome === 'timedOut')) {
    const isTotal = record!.durationMs >= resilience.timeLimits.totalMs! - 1
    found.push(isTotal ? 'total' : 'deadline')
  }
  return found
}

function ofRivals(told: Told): Event[] {
  const winner = told.tried.find(({ record }) => record.outcome === 'completed')
  return rivalsIn(told).flatMap((rival): Event[] => {
    if (rival === winner) return ['hedge won']
    return rival.record.outcome === 'superseded' ? ['hedge lost'] : []
  })
}

function ofContinuations({ record, tried }: Told): Event[] {
  const found: Event[] = []
  const last = tried.at(-1)
  if (record?.outcome === 'completed' && last?.goesOn === 'prefill') found.push('continuation joined')
  if (record?.outcome === 'completed' && last?.goesOn === 'anew') found.push('continuation joined anew')
  if (tried.some(isDisagreement)) found.push('continuation disagreed')
  return found
}

function ofWaits({ tried }: Told): Event[] {
  const found: Event[] = []
  for (const { asked, place } of tried) {
    const before = tried[place - 1]
    if (before === undefined || asked.at <= before.endedAt + 1) continue
    found.push(before.quietUntil === null ? 'paused before asking again' : 'waited for retry-after')
  }
  const isTooLong = ({ asked, record }: Tried) => asked.upstream.way === 'short' && record.outcome === 'rejected'
  if (tried.length > 1 && isTooLong(tried[0]!)) found.push('prompt too long for one')
  return found
}

function ofCaller({ lived: { caller }, record, tried }: Told): Event[] {
  if (caller.leftAt === null || record?.outcome !== 'callerLeft') return []
  const found: Event[] = caller.heads === 0 ? ['left before anything was shown'] : []
  for (const { record, endedAt } of tried) {
    if (endedAt <= caller.leftAt.at + 1) continue
    if (record.outcome === 'completed') found.push('drained')
    if (record.outcome === 'callerLeft') found.push('drain ran out')
  }
  return found
}

export function eventsOfBreakers({ probesWell, probesFailed, slow }: BreakersSeen): readonly Event[] {
  const found: Event[] = []
  if (probesWell > 0) found.push('probe succeeded')
  if (probesFailed > 0) found.push('probe failed')
  if (slow > 0) found.push('slow start')
  return found
}
