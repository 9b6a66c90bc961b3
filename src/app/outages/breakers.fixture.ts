import { type ReferenceAttempt, ReferenceReplica } from '../../policy/health/reference.fixture.ts'
import type { Verdict } from '../../policy/health/taken.ts'
import type { Model } from '../../vocabulary/deployment.ts'
import { must, type Told, type Tried } from './attempts.fixture.ts'
import { isAlone } from './bounds.fixture.ts'
import { isDeadline } from './outcomes.fixture.ts'

interface Happening {
  readonly event: number
  happen(): void
}

/** What the breakers of a history were seen to do. */
export interface BreakersSeen {
  probesWell: number
  probesFailed: number
  slow: number
}

/** While a breaker is open nobody is asked, and one at a time finds out whether it is well again: told anew, as plainly as can be. */
export function checkBreakers(told: readonly Told[], model: Model): BreakersSeen {
  const seen: BreakersSeen = { probesWell: 0, probesFailed: 0, slow: 0 }
  const replicas = new Map<string, ReferenceReplica>()
  const happenings = told
    .flatMap(call => call.tried.map(tried => ({ call, tried })))
    .flatMap(({ call, tried }) => {
      const name = `${tried.record.deployment} ${tried.asked.replica}`
      const replica = replicas.get(name) ?? new ReferenceReplica(model.resilience.breaker)
      replicas.set(name, replica)
      return happeningsOf(tried, { call, name, replica, replicas, model, seen })
    })
  for (const { happen } of happenings.sort((one, other) => one.event - other.event)) happen()
  return seen
}

interface Scene {
  readonly call: Told
  readonly name: string
  readonly replica: ReferenceReplica
  /** By deployment and place. */
  readonly replicas: ReadonlyMap<string, ReferenceReplica>
  readonly model: Model
  readonly seen: BreakersSeen
}

/** Whether another replica of the deployment, which the call has not asked, could take it instead. */
function isAnyReady({ asked, place, record }: Tried, { call, replica, replicas }: Scene): boolean {
  const tried = call.tried.slice(0, place).map(({ asked }) => replicas.get(`${record.deployment} ${asked.replica}`))
  for (const [name, other] of replicas) {
    if (other === replica || tried.includes(other) || !name.startsWith(`${record.deployment} `)) continue
    if (other.kind(asked.at) === 'ready') return true
  }
  return false
}

function happeningsOf(tried: Tried, of: Scene): readonly Happening[] {
  const { replica, seen, name, model } = of
  const { asked, contentEvent, endEvent, endedAt } = tried
  const quietUntil = isAlone(model) ? null : tried.quietUntil
  let attempt: ReferenceAttempt | null = null
  const verdict = verdictOf(tried, of.call, model.resilience.timeLimits.totalMs!)
  const begins = () => {
    const kind = replica.kind(asked.at)
    if (kind === 'recovering') {
      seen.slow++
      must(!isAnyReady(tried, of), `${asked.call}, attempt ${tried.place}: ${name} is asked while it recovers`)
    }
    attempt = replica.take(asked.at)
    must(attempt !== null, `${asked.call}, attempt ${tried.place}: ${name} is asked while it is ${kind}`)
  }
  const answered = () => replica.answered(attempt!, asked.told.find(({ event }) => event === contentEvent)!.at)
  const ended = () => {
    if (attempt!.isProbe && verdict === 'well') seen.probesWell++
    if (attempt!.isProbe && verdict === 'failed') seen.probesFailed++
    replica.ended(attempt!, verdict, { now: endedAt, quietUntil })
  }
  return [
    { event: asked.event, happen: begins },
    ...(contentEvent === null || contentEvent === endEvent ? [] : [{ event: contentEvent, happen: answered }]),
    { event: endEvent, happen: ended },
  ]
}

/** Refusals of what was asked show that somebody is there, but for those of the gateway's key. */
function verdictOf(tried: Tried, call: Told, totalMs: number): Verdict {
  const { outcome, status } = tried.record
  switch (outcome) {
    case 'completed':
      return 'well'
    case 'rejected':
      return status === 401 ? 'failed' : 'well'
    case 'rateLimited':
      return 'limited'
    case 'callerLeft':
    case 'superseded':
      return 'none'
    case 'timedOut':
      // One that had less than half of the time is not late because others were.
      return isDeadline(call, tried, totalMs) || tried.record.durationMs < totalMs / 2 ? 'none' : 'failed'
    case 'malformed':
      return isDisagreement(tried) ? 'none' : 'failed'
    default:
      return 'failed'
  }
}

/** A continuation that could be read and contradicts what was shown. */
export function isDisagreement({ record, goesOn, asked, contentEvent, given }: Tried): boolean {
  if (record.outcome !== 'malformed' || goesOn === null || contentEvent === null) return false
  return asked.fault === null || !given.includes('rehearsed')
}
