import type { Deployment } from '../../vocabulary/deployment.ts'
import type { DialectName } from '../../vocabulary/dialect.ts'
import type { AttemptOutcome } from '../../vocabulary/outcome.ts'
import type { Refusal } from '../../vocabulary/refusal.ts'
import { refusalAfter } from './give-up.ts'

/** Attempts that a call may make in all, over all deployments. */
export const MAX_ATTEMPTS = 1

/** What is known when the next step of a call is decided. */
export interface AttemptState {
  /** That have ended, in order. */
  readonly attempts: readonly { readonly deployment: string; readonly outcome: AttemptOutcome }[]
  /** That may serve the model, the preferred first. */
  readonly deployments: readonly Deployment[]
  /** The caller's: a call goes only to a deployment that speaks it. */
  readonly dialect: DialectName
}

export type NextAttempt =
  | { readonly kind: 'try'; readonly deployment: Deployment }
  | { readonly kind: 'giveUp'; readonly refusal: Refusal }

/** Decides what a call does next: ask the first deployment that speaks the caller's dialect, once. Pure. */
export function nextAttempt({ attempts, deployments, dialect }: AttemptState): NextAttempt {
  const last = attempts.at(-1)
  if (last !== undefined && attempts.length >= MAX_ATTEMPTS) {
    return { kind: 'giveUp', refusal: refusalAfter(last.outcome, null) }
  }
  const deployment = deployments.find(({ dialects }) => dialects.includes(dialect))
  if (deployment !== undefined) return { kind: 'try', deployment }
  return { kind: 'giveUp', refusal: unserved(deployments, dialect) }
}

function unserved(deployments: readonly Deployment[], dialect: DialectName): Refusal {
  if (deployments.length === 0) return { cause: 'noDeployment', message: 'no deployment serves this model' }
  const message = `none of the deployments of this model speaks the ${dialect} dialect: ask it in the other one`
  return { cause: 'modelNotAllowed', message }
}
