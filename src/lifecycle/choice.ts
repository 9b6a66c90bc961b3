import type { EndedAttempt } from '../policy/attempts/fate.ts'
import type { DeploymentOption } from '../policy/attempts/next.ts'
import { estimateInputTokens, outputBound } from '../policy/estimate/estimate.ts'
import type { Standing } from '../policy/health/replica.ts'
import type { RouteOption } from '../policy/routing/ask.ts'
import { route } from '../policy/routing/route.ts'
import { type EpochMs, formatTime } from '../units/time.ts'
import type { Tokens } from '../units/tokens.ts'
import type { Deployment, Model } from '../vocabulary/deployment.ts'
import type { RouteRecord } from '../vocabulary/route.ts'
import type { Call } from './call.ts'
import { hasPrice } from './need.ts'
import type { World } from './world.ts'

/** Who may not serve a call whatever its health. */
export interface Exclusion {
  /** Upstreams whose limits have no room. */
  readonly upstreams: readonly string[]
  /** A limit in dollars binds the call, so that no deployment of unknown price may serve it. */
  readonly isPricedOnly: boolean
}

/** Whom a call may ask, the preferred first, and why. */
export interface Choice {
  readonly options: readonly DeploymentOption[]
  /** Null for a model with one deployment. */
  readonly record: RouteRecord | null
}

export interface ChoiceState {
  readonly exclusion: Exclusion
  /** Attempts of the call that have ended. */
  readonly ended: readonly EndedAttempt[]
  /** The conversation that the call belongs to, as `sessionHash` makes it. */
  readonly session: number
}

/** Puts the deployments of a model in the order in which a call asks them. */
export function choose(call: Call, model: Model, state: ChoiceState, world: World): Choice {
  const now = world.clock.now()
  const { deployments } = model
  const standing = (deployment: Deployment) => world.health.of(model, deployment).standing(now)
  if (deployments.length === 1) {
    const [deployment] = deployments
    return { options: [{ deployment: deployment!, standing: standing(deployment!) }], record: null }
  }
  const tokens = expectedTokens(call, model, world)
  const options: RouteOption[] = []
  const standings = new Map<Deployment, Standing>()
  for (const deployment of deployments) {
    const excluded = whyExcluded(call, deployment, state.exclusion, world)
    const stands = standing(deployment)
    if (excluded === null) standings.set(deployment, stands)
    options.push(optionOf(call, model, { deployment, stands, excluded, state, tokens }, world))
  }
  const { order, record } = route({
    by: model.route,
    options,
    tokens,
    now,
    draw: world.random.next(),
  })
  // Those that are passed over for a while come last, in their configured order: they may be waited for.
  const rest = deployments.filter(deployment => standings.has(deployment) && !order.includes(deployment))
  const all = [...order, ...rest].map(deployment => ({ deployment, standing: standings.get(deployment)! }))
  return { options: all, record }
}

/** Why a deployment can't serve this call whatever its health; null when it can. */
function whyExcluded(call: Call, deployment: Deployment, exclusion: Exclusion, world: World): string | null {
  const { name } = call.dialect
  if (!deployment.dialects.includes(name)) return `does not speak the ${name} dialect`
  if (exclusion.upstreams.includes(deployment.upstream)) return 'a limit of its upstream has no room'
  const isUnpriced = exclusion.isPricedOnly && !hasPrice(call, deployment, world)
  return isUnpriced ? 'its price is unknown and a limit in dollars binds the call' : null
}

interface Seen {
  readonly deployment: Deployment
  readonly stands: Standing
  readonly excluded: string | null
  readonly state: ChoiceState
  readonly tokens: { readonly input: Tokens; readonly output: Tokens }
}

function optionOf(call: Call, model: Model, seen: Seen, world: World): RouteOption {
  const { deployment, stands, excluded, state, tokens } = seen
  const now = world.clock.now()
  const health = world.health.of(model, deployment)
  const failed = state.ended.findLast(attempt => attempt.deployment === deployment.name)
  return {
    deployment,
    passedOver: excluded ?? whyNotNow(stands) ?? (failed === undefined ? null : `was asked already: ${failed.outcome}`),
    isReluctant: stands.kind === 'recovering',
    tariff: world.tariff(deployment),
    cachedTokens: world.warmth.cachedTokens(state.session, deployment.name, tokens.input, now),
    timeToFirstTokenMs: call.body.streamed ? health.timeToFirstTokenMs(now) : health.timeToAnswerMs(now),
    outstanding: health.outstanding(),
  }
}

function whyNotNow({ kind, until }: Standing): string | null {
  switch (kind) {
    case 'ready':
    case 'recovering':
      return null
    case 'probing':
      return 'it failed, and another call finds out whether it is well again'
    case 'open':
      return `it failed, and is left alone until ${timeOf(until)}`
    case 'quiet':
      return `it asked to be left alone until ${timeOf(until)}`
  }
}

function timeOf(until: EpochMs | null): string {
  return until === null ? 'it is well again' : formatTime(until)
}

/** What the call will probably use: its prompt by its bytes, its answer by those before it. */
function expectedTokens({ wire, body, caller }: Call, model: Model, world: World) {
  const input = estimateInputTokens(body.promptBytes)
  if (wire.endpoint === 'embeddings' || wire.endpoint === 'messages/count_tokens') return { input, output: 0 }
  const { choices, maxOutputTokens } = body
  const most = outputBound({
    callerMaximum: maxOutputTokens,
    choices: 1,
    modelMaximum: model.maxOutputTokens,
    cap: world.bounds.outputTokens,
  })
  const { outputTokens } = world.expectations.expect(caller.key, model.name, most)
  return { input, output: outputTokens * Math.max(1, choices) }
}
