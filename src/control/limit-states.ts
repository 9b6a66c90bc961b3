import { createRoute, z } from '@hono/zod-openapi'
import type { LimitRegistry } from '../ports/limits.ts'
import { scopeText } from '../vocabulary/limit.ts'
import { parseScope } from '../vocabulary/limit-terms.ts'
import { isShortName } from '../vocabulary/names.ts'
import { INVALID, json, UNAUTHORISED } from './answers.ts'
import type { AdminApp } from './app.ts'
import { closed, pageSize } from './fields.ts'
import { limitStateSchema } from './limit-schema.ts'
import { shownState } from './limit-views.ts'

const DEFAULT_STATES = 1_000
export const MAX_STATES = 10_000

const scope = z
  .string()
  .transform((text, context) => {
    const plan = text.startsWith('plan:') ? text.slice('plan:'.length) : ''
    if (isShortName(plan)) return text
    const read = parseScope(text)
    if ('value' in read) return scopeText(read.value)
    context.addIssue({ code: 'custom', message: read.fault })
    return z.NEVER
  })
  .openapi({
    type: 'string',
    description: 'Only this one: each:key for all keys, key:ci for one, plan:pro for the pool of a plan.',
    example: 'each:key',
  })

const statesRoute = createRoute({
  method: 'get',
  path: '/limit-states',
  summary: 'What is used, held and left, of each limit and of each member of an `each:` limit.',
  request: {
    query: closed(
      { scope: scope.optional(), limit: pageSize({ most: MAX_STATES, byDefault: DEFAULT_STATES }).optional() },
      'parameter',
    ),
  },
  responses: {
    200: json(
      'At most as many as `limit` says; members that have taken nothing are not told.',
      z.object({ limits: z.array(limitStateSchema).readonly() }),
    ),
    ...INVALID,
    ...UNAUTHORISED,
  },
})

export function addLimitStates(app: AdminApp, limits: Pick<LimitRegistry, 'states'>): void {
  app.openapi(statesRoute, async context => {
    const { scope, limit = DEFAULT_STATES } = context.req.valid('query')
    const views = await limits.states(scope === undefined ? { limit } : { scope, limit })
    return context.json({ limits: views.map(shownState) }, 200)
  })
}
