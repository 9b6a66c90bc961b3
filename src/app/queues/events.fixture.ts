import type { Told } from './calls.fixture.ts'
import { HOSTED, INCIDENTS } from './draw.fixture.ts'
import type { Day } from './world.fixture.ts'

/** Everything that days should come across now and then. */
export const EVENTS = [
  ...INCIDENTS,
  'appears',
  'placed at once',
  'placed after a wait',
  'none to ask',
  'dismissed',
  'rival without a place',
  'spilled: target',
  'spilled: full',
  'queueFull',
  'queueTimeout',
  'hopeless',
  'completed',
  'retried at another replica',
  'retried at another pool',
  'failed over to the hosted deployment',
  'back in the queue after a hosted deployment failed',
  'went on after a cut',
  'hedge won',
  'hedge lost',
  'deadline while waiting',
  'left while waiting',
  'left while served',
  'left, and was served to its end',
  'waited for a limit and for a place',
  'refused by a limit',
  'a cache was expected',
  'a thread died with calls that wait',
  'a thread died with calls that are served',
  'shares compared',
] as const

export type Event = (typeof EVENTS)[number]

export function eventsOf(told: Told, day: Day): readonly Event[] {
  const { lived, record, sent, error } = told
  const found: Event[] = [...ofAttempts(told), ...ofLeaving(told)]
  if (record?.outcome === 'completed') found.push('completed')
  if (error === 'queue_timeout' && lived.planned.deadlineMs !== null) found.push('deadline while waiting')
  if (error === 'rate_limit_exceeded' && sent.length === 0) found.push('refused by a limit')
  const isLimited = day.plan.limits.some(({ scope, onReached }) => scope === `key:${lived.planned.key}` && onReached)
  const asked = day.places.all.filter(({ answer }) => answer?.kind === 'place' && record !== null)
  const place = asked.find(({ answeredAt }) => sent[0]?.at === answeredAt)
  // It asked for a place long after it came, and waited for that too.
  const waitedMs = place === undefined ? 0 : place.at - record!.at
  if (isLimited && waitedMs > 1 && place!.answeredAt > place!.at) found.push('waited for a limit and for a place')
  return found
}

function ofAttempts({ record, sent }: Told): Event[] {
  const found: Event[] = []
  const attempts = record?.attempts ?? []
  if (attempts.some(({ placement }) => (placement?.expectedCachedTokens ?? 0) > 0)) found.push('a cache was expected')
  for (const [place, { slot, isGoingOn, at }] of sent.entries()) {
    if (place === 0) continue
    const [before, attempt] = [sent[place - 1]!, attempts[place]]
    if (attempt === undefined) continue
    const isRival = attempts.slice(0, place).some(({ startedAt, durationMs }) => startedAt + durationMs > at)
    if (isRival) found.push(attempt.outcome === 'completed' ? 'hedge won' : 'hedge lost')
    if (isGoingOn && attempt.outcome === 'completed') found.push('went on after a cut')
    if (isRival) continue
    if (slot.upstream === HOSTED && attempt.placement === null) found.push('failed over to the hosted deployment')
    if (before.slot.upstream === HOSTED && slot.upstream !== HOSTED && attempts[place - 1]!.placement?.spill) {
      found.push('back in the queue after a hosted deployment failed')
    }
    if (slot.upstream === before.slot.upstream && slot !== before.slot) found.push('retried at another replica')
    const isOwned = slot.planned !== null && before.slot.planned !== null
    if (isOwned && slot.upstream !== before.slot.upstream) found.push('retried at another pool')
  }
  return found
}

function ofLeaving({ lived: { caller }, record, sent }: Told): Event[] {
  if (caller.leftAt === null) return []
  if (sent.length === 0) return ['left while waiting']
  if (record?.outcome !== 'callerLeft') return []
  const isWhole = record.attempts.some(({ outcome }) => outcome === 'completed')
  return [isWhole ? 'left, and was served to its end' : 'left while served']
}
