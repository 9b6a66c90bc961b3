import { z } from '@hono/zod-openapi'
import { LIMIT_UNITS } from '../vocabulary/limit.ts'
import { GRANT_KINDS, MAX_PRIORITY } from '../vocabulary/plan-grant.ts'
import { closed, time } from './fields.ts'
import { limitStateSchema, limitWindow, quantity } from './limit-schema.ts'

/*
 * How plans look, for the OpenAPI document and for what the compiler holds answers to. These schemas read nothing: what
 * makes a plan is read by the one grammar that the configuration has too.
 */
const unit = z.enum([...LIMIT_UNITS])
const decimal = z.string().openapi({ description: 'A decimal of at most three places.', example: '1.25' })
const callers = z
  .array(z.string())
  .readonly()
  .openapi({ description: 'organisation, team:N, user:N, key:N or tag:K=V.', example: ['team:search'] })

const grantSchema = closed(
  {
    id: z.string().openapi({ description: 'One of its limit, for all time.' }),
    amount: quantity,
    priority: z.number().int().min(0).max(MAX_PRIORITY).optional().openapi({ description: '0 is drawn first.' }),
    createdAt: time.openapi({ description: 'Counted from then on.' }),
    expiresAt: time.optional().openapi({ description: 'What is unused then is lost; never when absent.' }),
    kind: z.enum([...GRANT_KINDS]).optional(),
  },
  'field',
).openapi('PlanCredits')

const planLimitSchema = closed(
  {
    scope: z.string().openapi({
      description:
        'plan for all subscribers together, each: of team, user, key, run, or one of them by name, or tag:K=V.',
    }),
    unit,
    amount: quantity.optional().openapi({ description: 'This, or seats, or grants.' }),
    seats: z
      .array(z.object({ kind: z.string(), count: z.number().int(), each: quantity }))
      .readonly()
      .optional()
      .openapi({ description: 'Added ones count at once, removed ones from the next period.' }),
    grants: z.array(grantSchema).readonly().optional(),
    window: limitWindow.optional(),
    onReached: z
      .union([z.enum(['stop', 'warn', 'queue', 'overflow']), z.strictObject({ downgrade: z.string() })])
      .optional()
      .openapi({ description: 'When not said: overflow in `included` beside `overflow`, else stop.' }),
    wait: z.string().optional().openapi({ description: 'Only beside `queue`.', example: '30s' }),
    except: callers.optional(),
    models: z.array(z.string()).readonly().optional().openapi({ description: 'Only calls of these are bound.' }),
    weights: z.record(z.string(), decimal).optional().openapi({ description: 'How fast parts of the tokens burn it.' }),
    multipliers: z.record(z.string(), z.record(z.string(), decimal)).optional(),
  },
  'field',
).openapi('PlanLimit')

const limits = z.array(planLimitSchema).readonly()
const terms = {
  subscribers: callers,
  limits: limits.optional().openapi({ description: 'They always bind.' }),
  included: limits.optional().openapi({ description: 'The allowance.' }),
  overflow: limits.optional().openapi({ description: 'What binds a call for which the allowance has no room.' }),
}
const name = z.string().openapi({ example: 'pro' })

export const newPlanSchema = closed({ name, ...terms }, 'field').openapi('NewPlan')

export const planSchema = z
  .object({
    name,
    readOnly: z
      .boolean()
      .openapi({ description: 'Declared in the configuration; credits may be granted all the same.' }),
    createdAt: time,
    ...terms,
  })
  .openapi('Plan')

/** All that a plan shows, since it may be sent back whole; null takes a part away. */
export const planChangesSchema = closed(
  {
    ...planSchema.partial().shape,
    limits: limits.nullable().optional(),
    included: limits.nullable().optional(),
    overflow: limits.nullable().optional(),
  },
  'field',
).openapi('PlanChanges', {
  description: 'Subscribers and whole parts may change; null takes a part away. A limit that stays keeps its use.',
})

export const planWithStatesSchema = planSchema
  .extend({ states: z.array(limitStateSchema).readonly().openapi({ description: 'Of its limits and their members.' }) })
  .openapi('PlanWithStates')

export const newGrantSchema = closed(
  {
    ...grantSchema.partial().shape,
    amount: quantity,
    limit: z.string().optional().openapi({ description: 'Its id, where several limits are made of grants.' }),
  },
  'field',
).openapi('NewGrant', { description: 'Begins now and gets an id of its own when nothing else is said.' })

export const shownGrantSchema = z
  .object({
    id: z.string(),
    limit: z.string().openapi({ description: 'Id of the limit that it makes.' }),
    scope: z.string().openapi({ description: 'Of an `each:` limit, its member, each of whom has the whole grant.' }),
    unit,
    kind: z.enum([...GRANT_KINDS]),
    priority: z.number().int(),
    createdAt: time,
    expiresAt: time.nullable(),
    amount: quantity,
    used: quantity,
    left: quantity.openapi({ description: 'What calls may still draw, or hold already.' }),
    expired: quantity,
    written: z.boolean().openapi({ description: 'Stands in the plan itself, and changes with that alone.' }),
  })
  .openapi('PlanGrant')
