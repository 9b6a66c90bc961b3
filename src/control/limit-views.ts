import type { z } from '@hono/zod-openapi'
import { formatTime } from '../units/time.ts'
import { type Limit, type LimitView, showQuantity } from '../vocabulary/limit.ts'
import { writeLimitTerms } from '../vocabulary/limit-terms.ts'
import type { limitSchema, limitStateSchema } from './limit-schema.ts'

/** A limit in its shape in the configuration, with what it has besides. */
export function shownLimit(limit: Limit): z.infer<typeof limitSchema> {
  const { id, readOnly, createdAt } = limit
  return { id, readOnly, createdAt: formatTime(createdAt), ...writeLimitTerms(limit) }
}

export function shownState(view: LimitView): z.infer<typeof limitStateSchema> {
  const { limit: id, scope, unit, window, resetsAt, plan, part, expiresAt } = view
  return {
    id,
    scope,
    unit,
    window,
    amount: showQuantity(unit, view.amount),
    used: showQuantity(unit, view.used),
    held: showQuantity(unit, view.held),
    left: showQuantity(unit, view.left),
    resetsAt: resetsAt === null ? null : formatTime(resetsAt),
    ...(plan && part ? { plan, part } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt: formatTime(expiresAt) }),
  }
}
