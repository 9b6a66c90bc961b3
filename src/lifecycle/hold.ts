import { decideAdmission } from '../policy/admission/admission.ts'
import type { Escrow, HoldId } from '../policy/escrow/escrow.ts'
import { boundInputTokens, outputBound } from '../policy/estimate/estimate.ts'
import { worstCase } from '../policy/pricing/worst-case.ts'
import type { NanoDollars } from '../units/money.ts'
import type { Tokens } from '../units/tokens.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import type { Call } from './call.ts'
import type { World } from './world.ts'

/** What was set aside for a call before its first attempt. */
export interface Hold {
  readonly id: HoldId | null
  readonly inputTokens: Tokens
  readonly outputTokens: Tokens
  /** Null when nobody knows the price. */
  readonly dollars: NanoDollars | null
}

const FREE: Hold = { id: null, inputTokens: 0, outputTokens: 0, dollars: 0n }

/** Sets the worst case of a call aside, or says why it may not start. */
export function holdFor(call: Call, world: World): Hold | Refusal {
  const { body, wire, model, caller, dialect } = call
  if (wire.endpoint === 'messages/count_tokens') return FREE
  const inputTokens = boundInputTokens(body)
  const outputTokens =
    wire.endpoint === 'embeddings'
      ? 0
      : outputBound({
          callerMaximum: body.maxOutputTokens,
          choices: body.choices,
          modelMaximum: model.maxOutputTokens,
          cap: world.bounds.outputTokens,
        })
  const worstCases = model.deployments
    .filter(deployment => deployment.dialects.includes(dialect.name))
    .map(deployment => worstCase(world.tariff(deployment), { inputTokens, outputTokens }, call.arrivedAt))
  const admission = decideAdmission({ account: caller.key, model: model.name, worstCases })
  if (admission.kind === 'refuse') return admission.refusal
  const { account, dollars } = admission.hold
  return { id: dollars === null ? null : world.escrow.hold(account, dollars), inputTokens, outputTokens, dollars }
}

/** Ends a hold: posts what was used, gives the rest back. */
export function settleHold(hold: Hold, used: NanoDollars | null, escrow: Escrow): void {
  if (hold.id === null) return
  if (used === null || used === 0n) escrow.void(hold.id)
  else escrow.post(hold.id, used)
}
