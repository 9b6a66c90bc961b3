import type { EndedAttempt } from '../policy/attempts/fate.ts'
import { outcomeOfStatus } from '../policy/attempts/outcome.ts'
import type { EpochMs } from '../units/time.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import type { Attempt } from './attempt.ts'
import type { Call } from './call.ts'
import type { Choice } from './choice.ts'

/** By these an upstream refuses the gateway, not the caller: what they say is not the caller's to mend. */
const REFUSES_US: ReadonlySet<number> = new Set([401, 403])

/**
 * Whether what an upstream said goes to the caller as it is: an answer, or an error of its own, of which all came. Half
 * of an error that it took too long to say would look as if it were whole.
 */
export function isRelayed({ outcome, status, failure }: Attempt): boolean {
  if (failure !== null) return false
  if (outcome === 'completed') return true
  return (
    status !== null && status >= 400 && status < 600 && outcome === outcomeOfStatus(status) && !REFUSES_US.has(status)
  )
}

/**
 * What a caller is told when nobody could be asked.
 *
 * @param choice who there was, and why each was passed over; null when the time of the call was over before that
 */
export function nobodyFor(choice: Choice | null, retryAt: EpochMs | null, now: EpochMs): Refusal {
  if (choice === null)
    return { cause: 'noDeployment', message: 'the time for this call was over before it could start' }
  const reasons = (choice.record?.passedOver ?? []).map(({ deployment, why }) => `${deployment} ${why}`)
  const why = reasons.length > 0 ? `: ${reasons.join('; ')}` : ': what serves it failed, or asked to be left alone'
  const message = `no deployment can serve this model just now${why}`
  return retryAt === null
    ? { cause: 'noDeployment', message }
    : { cause: 'noDeployment', message, retryAfterMs: Math.max(0, retryAt - now) }
}

/** What is known of an attempt that has ended, for what comes next. */
export function endedOf(attempt: Attempt, { wire }: Call, endedAt: EpochMs): EndedAttempt {
  const { errand, status, quietUntil, isFinal } = attempt
  const outcome = attempt.outcome!
  return {
    deployment: errand.deployment.name,
    replica: errand.replica,
    outcome,
    status,
    quietUntil,
    isFinal,
    isTooLong: outcome === 'rejected' && wire.saysTooLong(status!, attempt.answer()),
    isContinuation: errand.continuation !== null,
    endedAt,
  }
}

/** Whether nobody wanted to wait for its content any longer. */
export function gaveUpWaiting({ outcome, firstTokenAt }: Attempt): boolean {
  return firstTokenAt === null && (outcome === 'firstTokenTimeout' || outcome === 'superseded')
}
