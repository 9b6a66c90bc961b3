import { boundInputTokens, outputBound } from '../policy/estimate/estimate.ts'
import { worstCase } from '../policy/pricing/worst-case.ts'
import type { NanoDollars } from '../units/money.ts'
import type { Tokens } from '../units/tokens.ts'
import type { Deployment, Model } from '../vocabulary/deployment.ts'
import type { DialectName } from '../vocabulary/dialect.ts'
import type { Amounts, Need } from '../vocabulary/limited-call.ts'
import type { Call } from './call.ts'
import type { World } from './world.ts'

interface TokenBounds {
  readonly inputTokens: Tokens
  readonly outputTokens: Tokens
}

/** What a call may use of a model, and what it will probably use: the second only where more can be held later. */
export function needOf(call: Call, model: Model, world: World, isPricedOnly: boolean): Need {
  const dollarsOf = (tokens: TokenBounds) => dearest(call, model, tokens, { world, isPricedOnly })
  const inputTokens = boundInputTokens(call.body)
  const outputTokens = outputTokensOf(call, model, world)
  const amountsOf = (tokens: TokenBounds): Amounts => ({ ...tokens, dollars: dollarsOf(tokens) })
  const worst = amountsOf({ inputTokens, outputTokens })
  // What a plain answer uses is known when all of it is there, too late to ask for more.
  if (!call.body.streamed || outputTokens === 0) return { worst, expected: null, isLearnt: false }
  const { choices } = call.body
  const expected = world.expectations.expect(call.caller.key, model.name, outputTokens)
  const probable = Math.min(outputTokens, expected.outputTokens * Math.max(1, choices))
  return {
    worst,
    expected: probable < outputTokens ? amountsOf({ inputTokens, outputTokens: probable }) : null,
    isLearnt: expected.isLearnt,
  }
}

function outputTokensOf({ wire, body }: Call, model: Model, world: World): Tokens {
  if (wire.endpoint === 'embeddings') return 0
  return outputBound({
    callerMaximum: body.maxOutputTokens,
    choices: body.choices,
    modelMaximum: model.maxOutputTokens,
    cap: world.bounds.outputTokens,
  })
}

interface Prices {
  readonly world: World
  /** Only deployments whose price is known may serve. */
  readonly isPricedOnly: boolean
}

/** What so many tokens cost at the dearest deployment that may come to serve them; null when one has no price. */
function dearest(call: Call, model: Model, tokens: TokenBounds, { world, isPricedOnly }: Prices): NanoDollars | null {
  let dollars: NanoDollars = 0n
  for (const deployment of servingIn(model, call.dialect.name)) {
    const worst = worstCase(world.tariff(deployment), tokens, call.arrivedAt)
    if (worst === null && isPricedOnly) continue
    if (worst === null) return null
    if (worst > dollars) dollars = worst
  }
  return dollars
}

/** What has to be added to a hold so that it covers so many output tokens. */
export function moreFor(
  call: Call,
  model: Model,
  { held, outputTokens }: { readonly held: Amounts; readonly outputTokens: Tokens },
  world: World,
): Amounts {
  const { inputTokens } = held
  // Whoever has no price serves only calls that no limit in dollars binds, whose holds have no dollars either.
  const prices = { world, isPricedOnly: held.dollars !== null }
  const whole = dearest(call, model, { inputTokens, outputTokens }, prices)
  const dollars = whole === null || held.dollars === null ? null : whole > held.dollars ? whole - held.dollars : 0n
  return { dollars, inputTokens: 0, outputTokens: outputTokens - held.outputTokens }
}

/** What so many input tokens cost besides what is held for one attempt; nothing where nothing of dollars is held. */
export function inputDollars(
  call: Call,
  model: Model,
  { held, moreInputTokens }: { readonly held: Amounts; readonly moreInputTokens: Tokens },
  world: World,
): NanoDollars {
  if (held.dollars === null || moreInputTokens === 0) return 0n
  const inputTokens = held.inputTokens + moreInputTokens
  const whole = dearest(call, model, { inputTokens, outputTokens: held.outputTokens }, { world, isPricedOnly: true })
  return whole === null || whole < held.dollars ? 0n : whole - held.dollars
}

/** Per model and dialect, the deployments and upstreams that may serve: made once, since limits remember them. */
const serving = new WeakMap<
  Model,
  Map<DialectName, { deployments: readonly Deployment[]; upstreams: readonly string[] }>
>()

function servingBy(model: Model, dialect: DialectName) {
  let byDialect = serving.get(model)
  if (byDialect === undefined) {
    byDialect = new Map()
    serving.set(model, byDialect)
  }
  let found = byDialect.get(dialect)
  if (found === undefined) {
    const deployments = model.deployments.filter(({ dialects }) => dialects.includes(dialect))
    found = { deployments, upstreams: [...new Set(deployments.map(({ upstream }) => upstream))] }
    byDialect.set(dialect, found)
  }
  return found
}

/** Whether what a call uses at a deployment can be told in dollars, whatever it uses. */
export function hasPrice({ wire, arrivedAt }: Call, deployment: Deployment, world: World): boolean {
  const outputTokens = wire.endpoint === 'embeddings' ? 0 : 1
  return worstCase(world.tariff(deployment), { inputTokens: 1, outputTokens }, arrivedAt) !== null
}

/** Whether some of a model's deployments that speak a dialect have a price and others have none. */
export function isPartlyPriced(call: Call, model: Model, world: World): boolean {
  const serving = servingIn(model, call.dialect.name)
  const priced = serving.filter(deployment => hasPrice(call, deployment, world))
  return priced.length > 0 && priced.length < serving.length
}

/** Deployments of a model that speak a dialect, in their order. */
export function servingIn(model: Model, dialect: DialectName): readonly Deployment[] {
  return servingBy(model, dialect).deployments
}

/** Their upstreams, each once: the same array for all calls of the model. */
export function upstreamsIn(model: Model, dialect: DialectName): readonly string[] {
  return servingBy(model, dialect).upstreams
}
