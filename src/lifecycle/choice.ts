import type { EndedAttempt } from '../policy/attempts/fate.ts'
import { type DeploymentOption, mayDoBetter } from '../policy/attempts/next.ts'
import { estimateInputTokens, outputBound } from '../policy/estimate/estimate.ts'
import type { RouteOption } from '../policy/routing/ask.ts'
import { route } from '../policy/routing/route.ts'
import { type EpochMs, formatTime } from '../units/time.ts'
import type { Tokens } from '../units/tokens.ts'
import type { Deployment, Model } from '../vocabulary/deployment.ts'
import type { AttemptRecord } from '../vocabulary/record.ts'
import type { RouteRecord } from '../vocabulary/route.ts'
import type { Call } from './call.ts'
import { hasPrice } from './need.ts'
import type { World } from './world.ts'

const NO_REPLICAS: readonly number[] = []

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
  /** Attempts of the call that have ended, and those under way. */
  readonly ended: readonly EndedAttempt[]
  readonly running: readonly { readonly deployment: Deployment; readonly replica: number }[]
  /** The conversation that the call belongs to, as `sessionHash` makes it. */
  readonly session: number
  /** One that is asked once more though it was asked already; null for none. */
  readonly again: Deployment | null
}

/** Puts the deployments of a model in the order in which a call asks them. */
export function choose(call: Call, model: Model, state: ChoiceState, world: World): Choice {
  const { deployments } = model
  if (deployments.length === 1) return { options: [optionOf(model, deployments[0]!, state, world)], record: null }
  const tokens = expectedTokens(call, model, world)
  const options: DeploymentOption[] = []
  const routed = deployments.map(deployment => {
    const option = optionOf(model, deployment, state, world)
    const excluded = whyExcluded(call, deployment, state.exclusion, world)
    if (excluded === null) options.push(option)
    return routeOptionOf(
      call,
      model,
      { option, passedOver: excluded ?? whyNotNow(option, state), state, tokens },
      world,
    )
  })
  const now = world.clock.now()
  const { order, record } = route({ by: model.route, options: routed, tokens, now, draw: world.random.next() })
  // Those that are passed over for a while come last, in their configured order: they may be waited for.
  const place = ({ deployment }: DeploymentOption) => {
    const found = order.indexOf(deployment)
    return found < 0 ? order.length : found
  }
  return { options: options.sort((one, other) => place(one) - place(other)), record }
}

/** Learns where the prompt of a conversation is cached from now on; of no conversation where `session` is 0. */
export function learnWarmth(session: number, attempt: AttemptRecord, { warmth, clock }: World): void {
  const { outcome, usage, deployment, startedAt } = attempt
  if (session === 0 || outcome !== 'completed' || usage?.source !== 'reported') return
  const { inputTokens, cachedInputTokens: cachedTokens } = usage
  warmth.learn(session, deployment, { inputTokens, cachedTokens, startedAt }, clock.now())
}

function optionOf(
  model: Model,
  deployment: Deployment,
  { ended, running }: ChoiceState,
  world: World,
): DeploymentOption {
  const health = world.health.of(model, deployment)
  const now = world.clock.now()
  const standing = health.standing(now)
  if (ended.length + running.length === 0) return { deployment, standing, tried: NO_REPLICAS, untried: standing }
  const tried: number[] = []
  for (const attempt of ended) if (attempt.deployment === deployment.name) tried.push(attempt.replica)
  for (const attempt of running) if (attempt.deployment === deployment) tried.push(attempt.replica)
  const untried = mayDoBetter(deployment, tried, ended) ? health.standing(now, tried) : null
  return { deployment, standing, tried, untried }
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
  readonly option: DeploymentOption
  readonly passedOver: string | null
  readonly state: ChoiceState
  readonly tokens: { readonly input: Tokens; readonly output: Tokens }
}

function routeOptionOf(call: Call, model: Model, seen: Seen, world: World): RouteOption {
  const { option, passedOver, state, tokens } = seen
  const { deployment, untried } = option
  const now = world.clock.now()
  const health = world.health.of(model, deployment)
  return {
    deployment,
    passedOver,
    isReluctant: untried?.kind === 'recovering',
    tariff: world.tariff(deployment),
    cachedTokens: world.warmth.cachedTokens(state.session, deployment.name, tokens.input, now),
    timeToFirstTokenMs: call.body.streamed ? health.timeToFirstTokenMs(now) : health.timeToAnswerMs(now),
    outstanding: health.outstanding(),
  }
}

/** Why a deployment is not asked now though it may serve the call; null when it is. */
function whyNotNow({ deployment, untried }: DeploymentOption, { ended, again }: ChoiceState): string | null {
  if (deployment === again) return null
  if (untried === null) {
    const last = ended.findLast(attempt => attempt.deployment === deployment.name)
    return last === undefined ? 'is being asked' : `was asked already: ${last.outcome}`
  }
  const { kind, until } = untried
  switch (kind) {
    case 'ready':
    case 'recovering':
      return null
    case 'probing':
      return 'failed, and another call finds out whether it is well again'
    case 'open':
      return `failed, and is left alone until ${timeOf(until)}`
    case 'quiet':
      return `asked to be left alone until ${timeOf(until)}`
  }
}

function timeOf(until: EpochMs | null): string {
  return until === null ? 'it is known to be well' : formatTime(until)
}

/** What the call will probably use: its prompt by its bytes, its answer by those before it. */
export function expectedTokens({ wire, body, caller }: Call, model: Model, world: World) {
  const input = estimateInputTokens(body.promptBytes)
  if (wire.endpoint === 'embeddings' || wire.endpoint === 'messages/count_tokens') return { input, output: 0 }
  const { choices, maxOutputTokens } = body
  const most = outputBound({
    callerMaximum: maxOutputTokens,
    choices: 1,
    modelMaximum: model.maxOutputTokens,
    cap: world.bounds.outputTokens,
  })
  return { input, output: world.expectations.usual(caller.key, model.name, most) * Math.max(1, choices) }
}
