import type { DeploymentOption } from '../policy/attempts/next.ts'
import type { PlaceAsk } from '../ports/places.ts'
import type { NanoDollars } from '../units/money.ts'
import type { DurationMs, EpochMs } from '../units/time.ts'
import type { Deployment, Model } from '../vocabulary/deployment.ts'
import type { Call } from './call.ts'
import { type Choice, expectedTokens } from './choice.ts'
import type { World } from './world.ts'

/** What a call asks for that may not go to everybody. */
export interface Wanted {
  readonly model: Model
  readonly choice: Choice
  /** Whom it would ask next, and the replicas that are left for others. */
  readonly step: { readonly deployment: Deployment; readonly tried: readonly number[] }
  /** A rival does not wait for a place, and goes nowhere else. */
  readonly isRival: boolean
  /** Whether it may go to a hosted deployment instead of waiting. */
  readonly maySpill: boolean
  /** As the ask has them. */
  readonly since: EpochMs
  readonly waitedMs: DurationMs
}

/** Whether calls wait for a place on this deployment: on owned engines all do, but for counting tokens, which is no work. */
export function isScheduled(call: Call, deployment: Deployment, world: World): boolean {
  return world.places !== null && deployment.engine !== null && call.wire.endpoint !== 'messages/count_tokens'
}

/** Whose share of the service a call takes. */
export function tenantOf({ caller }: Call): string {
  return caller.team === null ? `key:${caller.key}` : `team:${caller.team}`
}

/** Asks for a place on the deployment that a call would ask next, or on any other of owned engines that would do as well. */
export function placeAskOf(call: Call, wanted: Wanted, world: World): PlaceAsk {
  const { model, choice, step, isRival, maySpill, since, waitedMs } = wanted
  const others = choice.options.filter(
    option =>
      option.deployment !== step.deployment && mayBeAsked(option) && isScheduled(call, option.deployment, world),
  )
  const tokens = expectedTokens(call, model, world)
  return {
    model: model.name,
    deployments: [
      { name: step.deployment.name, tried: step.tried },
      ...others.map(({ deployment, tried }) => ({ name: deployment.name, tried })),
    ],
    tenant: tenantOf(call),
    tier: call.tier,
    since,
    waitedMs,
    deadlineAt: call.deadlineAt,
    mayWait: !isRival,
    bytes: call.body.bytes,
    tokens,
    prompt: call.body.blocks(),
    elsewhere: isRival || !maySpill ? null : elsewhereOf(call, wanted, world),
  }
}

/** The first hosted deployment that could be asked now, by what it would cost more. */
function elsewhereOf(call: Call, { choice, step }: Wanted, world: World): PlaceAsk['elsewhere'] {
  const hosted = choice.options.find(option => mayBeAsked(option) && !isScheduled(call, option.deployment, world))
  if (hosted === undefined) return null
  const dollarsOf = (name: string): NanoDollars | null =>
    choice.record?.candidates.find(({ deployment }) => deployment === name)?.dollars ?? null
  const there = dollarsOf(hosted.deployment.name)
  // What nobody gave a price is there anyhow: a call on it costs nothing more.
  const here = dollarsOf(step.deployment.name) ?? 0n
  return { moreDollars: there === null ? null : there - here }
}

function mayBeAsked({ untried }: DeploymentOption): boolean {
  return untried?.kind === 'ready' || untried?.kind === 'recovering'
}
