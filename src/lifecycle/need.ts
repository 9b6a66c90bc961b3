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
export function needOf(call: Call, model: Model, world: World): Need {
  const inputTokens = boundInputTokens(call.body)
  const outputTokens = outputTokensOf(call, model, world)
  const worst = amountsOf(call, model, { inputTokens, outputTokens }, world)
  // What a plain answer uses is known when all of it is there, too late to ask for more.
  if (!call.body.streamed || outputTokens === 0) return { worst, expected: null, isLearnt: false }
  const { choices } = call.body
  const expected = world.expectations.expect(call.caller.key, model.name, outputTokens)
  const probable = Math.min(outputTokens, expected.outputTokens * Math.max(1, choices))
  return {
    worst,
    expected: probable < outputTokens ? amountsOf(call, model, { inputTokens, outputTokens: probable }, world) : null,
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

/** So many tokens at the dearest deployment that may come to serve them. */
function amountsOf(call: Call, model: Model, tokens: TokenBounds, world: World): Amounts {
  return { ...tokens, dollars: dearest(call, model, tokens, world) }
}

function dearest(call: Call, model: Model, tokens: TokenBounds, world: World): NanoDollars | null {
  let dollars: NanoDollars = 0n
  for (const deployment of servingIn(model, call.dialect.name)) {
    const worst = worstCase(world.tariff(deployment), tokens, call.arrivedAt)
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
  const whole = dearest(call, model, { inputTokens, outputTokens }, world)
  const dollars = whole === null || held.dollars === null ? null : whole > held.dollars ? whole - held.dollars : 0n
  return { dollars, inputTokens: 0, outputTokens: outputTokens - held.outputTokens }
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

/** Deployments of a model that speak a dialect, in their order. */
export function servingIn(model: Model, dialect: DialectName): readonly Deployment[] {
  return servingBy(model, dialect).deployments
}

/** Their upstreams, each once: the same array for all calls of the model. */
export function upstreamsIn(model: Model, dialect: DialectName): readonly string[] {
  return servingBy(model, dialect).upstreams
}
