import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Deployment } from '../../vocabulary/deployment.ts'
import type { Standing } from '../health/replica.ts'
import { type EndedAttempt, fateOf } from './fate.ts'

/** A wait for an upstream that asked for quiet is begun up to this length; who is told to wait longer asks elsewhere, or later. */
export const MAX_WAIT_MS: DurationMs = 2_000
/** Before a deployment that failed is asked again: so long the first time, twice as long each time after. */
const BACKOFF_MS: DurationMs = 100
const MAX_BACKOFF_MS: DurationMs = 2_000

/** A deployment that may serve a call. */
export interface DeploymentOption {
  readonly deployment: Deployment
  /** Whether it may be asked now; where not, until when. */
  readonly standing: Standing
  /** Replicas that this call has asked, or is asking. */
  readonly tried: readonly number[]
  /** How those stand that it has not asked; null where there are none, or where they would say the same. */
  readonly untried: Standing | null
}

/** What is known when the next step of a call is decided. */
export interface AttemptState {
  /** That have ended, in order. */
  readonly ended: readonly EndedAttempt[]
  /** How many are under way. */
  readonly running: number
  /** That may serve the call, the preferred first. */
  readonly options: readonly DeploymentOption[]
  /** How many attempts the call may make in all. */
  readonly mostAttempts: number
  /** When the call has to be over; null where nobody said. */
  readonly endsAt: EpochMs | null
  readonly now: EpochMs
}

export type NextStep =
  /** @property tried replicas that were asked already and are left for others while there are any */
  | { readonly kind: 'try' | 'hedge'; readonly deployment: Deployment; readonly tried: readonly number[] }
  | { readonly kind: 'wait'; readonly until: EpochMs }
  | {
      readonly kind: 'giveUp'
      /** When asking again may help; null where nobody knows. */
      readonly retryAt: EpochMs | null
    }

/**
 * Decides what a call does next. Pure. What is the caller's fault is not asked again; what is the deployment's moves on to
 * the next replica or deployment; one that failed in a way that passes is asked again when all others were, after a pause
 * or when it said, if that is soon and before the call has to be over.
 *
 * While attempts are under way it decides on a rival for them: `hedge`, or `giveUp` for none.
 */
export function nextStep(state: AttemptState): NextStep {
  const { ended, running, options, mostAttempts, endsAt, now } = state
  const last = ended.at(-1)
  const isOver = endsAt !== null && now >= endsAt
  if (isOver || ended.length + running >= mostAttempts || (last !== undefined && fateOf(last) === 'answer')) {
    return { kind: 'giveUp', retryAt: null }
  }
  const kind = running > 0 ? 'hedge' : 'try'
  for (const { deployment, tried, untried } of options) {
    if (untried !== null && mayBeAsked(untried)) return { kind, deployment, tried }
  }
  if (kind === 'hedge') return { kind: 'giveUp', retryAt: null }
  return againOrWait(state)
}

function mayBeAsked({ kind }: Standing): boolean {
  return kind === 'ready' || kind === 'recovering'
}

/** Whether replicas of a deployment that a call has not asked may do better than those that it has. */
export function mayDoBetter({ name, replicas }: Deployment, tried: readonly number[], ended: readonly EndedAttempt[]) {
  if (new Set(tried).size >= replicas) return false
  return !ended.some(attempt => attempt.deployment === name && fateOf(attempt) === 'otherDeployment')
}

/** Every option was asked: one that may be asked again now, or the wait for the first that may. */
function againOrWait({ ended, options, endsAt, now }: AttemptState): NextStep {
  let soonest: EpochMs | null = null
  let retryAt: EpochMs | null = null
  for (const { deployment, standing } of options) {
    const at = againAt(deployment, standing, ended, now)
    if (at === null) continue
    if (at <= now) return { kind: 'try', deployment, tried: NONE }
    if (retryAt === null || at < retryAt) retryAt = at
    const isWaitable = mayBeAsked(standing) || standing.kind === 'quiet'
    if (isWaitable && (soonest === null || at < soonest)) soonest = at
  }
  const isSoon = soonest !== null && soonest - now <= MAX_WAIT_MS && (endsAt === null || soonest < endsAt)
  return isSoon ? { kind: 'wait', until: soonest! } : { kind: 'giveUp', retryAt }
}

const NONE: readonly number[] = []

/** When a deployment may be asked, the first time or again; null when this call has nothing to hope for from it. */
function againAt(
  { name }: Deployment,
  standing: Standing,
  ended: readonly EndedAttempt[],
  now: EpochMs,
): EpochMs | null {
  const ours = ended.filter(({ deployment }) => deployment === name)
  const standsAt = mayBeAsked(standing) ? now : (standing.until ?? now + MAX_WAIT_MS)
  const last = ours.at(-1)
  if (last === undefined) return standsAt
  if (fateOf(last) !== 'again') return null
  const pause = Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** (ours.length - 1))
  return Math.max(standsAt, last.quietUntil ?? last.endedAt + pause)
}
