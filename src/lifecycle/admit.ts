import { refusalSentence } from '../policy/limits/refusal.ts'
import type { Cancel } from '../ports/clock.ts'
import type { LimitAdmitted, LimitAnswer } from '../ports/limits.ts'
import type { Tokens } from '../units/tokens.ts'
import type { Model } from '../vocabulary/deployment.ts'
import type { LimitRefusal } from '../vocabulary/limit.ts'
import type { Need } from '../vocabulary/limited-call.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import type { Call } from './call.ts'
import { isPartlyPriced, needOf, servingIn, upstreamsIn } from './need.ts'
import type { World } from './world.ts'

/** A call that limits let start, perhaps with another model than it asked for. */
export interface Admitted extends LimitAdmitted {
  readonly model: Model
  /** The most output tokens that it may have. */
  readonly mostOutputTokens: Tokens
  /** A limit in dollars binds it, and some deployments have no price: they may not serve it. */
  readonly isPricedOnly: boolean
}

export type Admission = Admitted | { readonly kind: 'refuse'; readonly refusal: Refusal }

const NO_SKIP: readonly string[] = []

/**
 * Asks the limits whether a call may start, with the model that it asked for and then with those that limits send it to.
 *
 * @returns takes the call out of a queue; null when `answer` has been called already or will be without waiting
 */
export function admit(call: Call, world: World, answer: (admission: Admission) => void): Cancel | null {
  let cancel: Cancel | null = null
  let isAnswered = false
  const ask = (model: Model, skip: readonly string[], isPricedOnly = false): void => {
    if (servingIn(model, call.dialect.name).length === 0) {
      isAnswered = true
      return answer({ kind: 'refuse', refusal: unserved(model, call) })
    }
    const need = needOf(call, model, world, isPricedOnly)
    const leave = world.limits.admit(limitedCall(call, model, skip), need, answered)
    // Null also where it was sent to another model, whose queue it may be in by now.
    if (leave !== null) cancel = leave
    function answered(said: LimitAnswer): void {
      cancel = null
      if (said.kind === 'downgrade') {
        const other = world.model(said.model)
        if (other !== undefined) return ask(other, said.skip)
      }
      // Where a limit in dollars binds, those without a price are left to others that have one.
      const isForPrice = said.kind === 'refuse' && said.cause === 'price' && !isPricedOnly
      if (isForPrice && isPartlyPriced(call, model, world)) return ask(model, skip, true)
      isAnswered = true
      if (said.kind === 'admit') answer({ ...said, model, mostOutputTokens: need.worst.outputTokens, isPricedOnly })
      else
        answer({ kind: 'refuse', refusal: said.kind === 'refuse' ? refusalOf(said, call, need) : missing(said.model) })
    }
  }
  ask(call.model, NO_SKIP)
  return isAnswered ? null : () => cancel?.()
}

function limitedCall(call: Call, model: Model, skip: readonly string[]) {
  const { caller, dialect, runBudget, maxDollars, deadlineAt } = call
  const upstreams = upstreamsIn(model, dialect.name)
  return { caller, model: model.name, upstreams, runBudget, maxDollars, deadlineAt, skip }
}

function refusalOf(limit: LimitRefusal, { body }: Call, { worst }: Need): Refusal {
  const cause = limit.cause === 'price' ? 'priceUnknown' : 'limitReached'
  const isForOutput = limit.unit === 'dollars' || limit.unit === 'tokens' || limit.unit === 'outputTokens'
  // What nobody asked for surprises most: without a maximum, a call may use all that its model can write.
  const isUnbounded = cause === 'limitReached' && isForOutput && body.maxOutputTokens === null && worst.outputTokens > 0
  const hint = `; it may have up to ${worst.outputTokens} output tokens, since it names no maximum: one that does needs less`
  return { cause, message: refusalSentence(limit) + (isUnbounded ? hint : ''), limit }
}

function unserved({ name, deployments }: Model, { dialect }: Call): Refusal {
  if (deployments.length === 0) return { cause: 'noDeployment', message: `no deployment serves the model '${name}'` }
  const message = `none of the deployments of '${name}' speaks the ${dialect.name} dialect: ask it in the other one`
  return { cause: 'modelNotAllowed', message }
}

function missing(model: string): Refusal {
  return { cause: 'noDeployment', message: `a limit sends this call to the model '${model}', which does not exist` }
}
