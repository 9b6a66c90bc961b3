import { z } from '@hono/zod-openapi'
import { LIMIT_UNITS } from '../vocabulary/limit.ts'
import { PLAN_PARTS } from '../vocabulary/plan.ts'
import { closed, time } from './fields.ts'

/**
 * How limits look, for the OpenAPI document and for what the compiler holds answers to. These schemas read nothing:
 * what makes a limit is read by the one grammar that the configuration has too.
 */
export const limitWindow = z
  .union([
    z.literal('total'),
    z.strictObject({ sliding: z.string() }),
    z.strictObject({ anchored: z.string() }),
    z.strictObject({ calendar: z.enum(['day', 'week', 'month']), timezone: z.string().optional() }),
    z.strictObject({ cycle: z.literal('month'), from: z.string().openapi({ format: 'date' }) }),
  ])
  .openapi('LimitWindow', {
    description: 'Concurrency has none. Durations are such as 1m, 5h, 7d; the time zone is UTC when none is named.',
  })

const scope = z.string().openapi({
  description:
    'organisation, team:N, user:N, key:N, tag:K=V, run:ID, model:N, upstream:N, or each: of team, user, key, run.',
  example: 'key:ci',
})
const unit = z.enum([...LIMIT_UNITS])
export const quantity = z
  .union([z.string(), z.number().int()])
  .openapi('Quantity', { description: 'Dollars as a decimal string, all else as a number.', example: '12.50' })
const onReached = z
  .union([z.enum(['stop', 'warn', 'queue']), z.strictObject({ downgrade: z.string() })])
  .openapi('OnReached', { description: 'What happens to a call for which there is no room; stop when not said.' })
const wait = z.string().openapi({ description: 'How long a call waits for room; only beside `queue`.', example: '30s' })

export const limitSchema = z
  .object({
    id: z.string().openapi({ example: 'lim_0123456789abc' }),
    readOnly: z.boolean().openapi({ description: 'Declared in the configuration.' }),
    createdAt: time.openapi({ description: 'A limit counts from then on.' }),
    scope,
    unit,
    amount: quantity,
    window: limitWindow.optional(),
    onReached,
    wait: wait.optional(),
  })
  .openapi('Limit')

export const newLimitSchema = closed(
  {
    scope,
    unit,
    amount: quantity,
    window: limitWindow.optional(),
    onReached: onReached.optional(),
    wait: wait.optional(),
  },
  'field',
).openapi('NewLimit')

/** All that a limit shows, since it may be sent back whole. */
export const limitChangesSchema = closed(limitSchema.partial().shape, 'field').openapi('LimitChanges', {
  description: 'Amount and what happens then may change. All else may be sent along if it is as it was.',
})

export const limitStateSchema = z
  .object({
    id: z.string().nullable().openapi({ description: 'Null for the budget of a run.' }),
    scope: z.string().openapi({ description: 'Of an `each:` limit, its member: key:ci.' }),
    unit,
    window: z.union([limitWindow, z.null()]),
    amount: quantity,
    used: quantity,
    held: quantity.openapi({ description: 'Set aside for calls that are under way.' }),
    left: quantity.openapi({ description: 'Amount less used and held, never below zero.' }),
    resetsAt: time.nullable().openapi({ description: 'When room comes back; null where no time is known.' }),
    plan: z.string().optional().openapi({ description: 'The plan that it is of, where it is one of a plan.' }),
    part: z
      .enum([...PLAN_PARTS])
      .optional()
      .openapi({ description: 'What it is to that plan.' }),
    expiresAt: time.optional().openapi({ description: 'When the next credits expire of which something is left.' }),
  })
  .openapi('LimitState')

export const limitWithStateSchema = limitSchema
  .extend({
    states: z
      .array(limitStateSchema)
      .readonly()
      .openapi({ description: 'One; of an `each:` limit one for each member that has taken something.' }),
  })
  .openapi('LimitWithStates')
