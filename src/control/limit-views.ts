import type { z } from '@hono/zod-openapi'
import { formatTime } from '../units/time.ts'
import { type Limit, type LimitView, showQuantity, takenOf } from '../vocabulary/limit.ts'
import { writeLimitTerms } from '../vocabulary/limit-terms.ts'
import type { limitSchema, limitStateSchema } from './limit-schema.ts'

/** A limit in its shape in the configuration, with what it has besides. */
export function shownLimit(limit: Limit): z.infer<typeof limitSchema> {
  const { id, readOnly, createdAt } = limit
  return { id, readOnly, createdAt: formatTime(createdAt), ...writeLimitTerms(limit) }
}

export function shownState(view: LimitView): z.infer<typeof limitStateSchema> {
  const { limit: id, unit, left, plan, part, expiresAt } = view
  return {
    id,
    ...takenOf(view),
    left: showQuantity(unit, left),
    ...(plan && part ? { plan, part } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt: formatTime(expiresAt) }),
  }
}
