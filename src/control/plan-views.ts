import type { z } from '@hono/zod-openapi'
import type { PlanGrant, RegisteredPlan } from '../ports/limits.ts'
import { formatTime } from '../units/time.ts'
import { showQuantity } from '../vocabulary/limit.ts'
import { writePlan } from '../vocabulary/plan-form.ts'
import type { planSchema, shownGrantSchema } from './plan-schema.ts'

/** A plan in its shape in the configuration, with what it has besides. */
export function shownPlan({ plan, readOnly, createdAt }: RegisteredPlan): z.infer<typeof planSchema> {
  return { name: plan.name, readOnly, createdAt: formatTime(createdAt), ...writePlan(plan) }
}

export function shownGrant(grant: PlanGrant): z.infer<typeof shownGrantSchema> {
  const { id, limit, scope, unit, kind, priority, createdAt, expiresAt, isWritten } = grant
  const show = (quantity: number) => showQuantity(unit, quantity)
  return {
    id,
    limit,
    scope,
    unit,
    kind,
    priority,
    createdAt: formatTime(createdAt),
    expiresAt: expiresAt === null ? null : formatTime(expiresAt),
    amount: show(grant.amount),
    used: show(grant.used),
    left: show(grant.remaining),
    expired: show(grant.expired),
    written: isWritten,
  }
}
