import { createRoute, z } from '@hono/zod-openapi'
import { type Limit, type LimitTerms, scopeText, windowText } from '../vocabulary/limit.ts'
import { INVALID, json, missing, problemSchema, UNAUTHORISED } from './answers.ts'
import { type AdminApp, actorOf } from './app.ts'
import { bodyOf, described } from './bodies.ts'
import type { AdminDependencies } from './dependencies.ts'
import { readLimitChanges, readNewLimit } from './limit-input.ts'
import { limitChangesSchema, limitSchema, limitWithStateSchema, newLimitSchema } from './limit-schema.ts'
import { MAX_STATES } from './limit-states.ts'
import { shownLimit, shownState } from './limit-views.ts'
import { invalidInput, type Problem, problem } from './problem.ts'

const params = z.object({ id: z.string() })
const DECLARED = { 409: json('The limit is declared in the configuration.', problemSchema) }

const listRoute = createRoute({
  method: 'get',
  path: '/limits',
  summary: 'Every limit, declared or made here.',
  responses: { 200: json('All limits.', z.object({ limits: z.array(limitSchema).readonly() })), ...UNAUTHORISED },
})

const makeRoute = createRoute({
  method: 'post',
  path: '/limits',
  summary: 'Makes a limit, which binds at once.',
  request: { body: described('NewLimit') },
  responses: {
    201: json('The limit.', limitSchema),
    409: json('There is already a limit of this scope, unit and window.', problemSchema),
    ...INVALID,
    ...UNAUTHORISED,
  },
})

const oneRoute = createRoute({
  method: 'get',
  path: '/limits/{id}',
  summary: 'A limit, and how much of it is taken.',
  request: { params },
  responses: { 200: json('The limit.', limitWithStateSchema), ...missing('limit'), ...UNAUTHORISED },
})

const changeRoute = createRoute({
  method: 'patch',
  path: '/limits/{id}',
  summary: 'Changes the amount and what happens when it is reached; what is used stays.',
  request: { params, body: described('LimitChanges') },
  responses: {
    200: json('The limit as it is now.', limitSchema),
    ...INVALID,
    ...DECLARED,
    ...missing('limit'),
    ...UNAUTHORISED,
  },
})

const removeRoute = createRoute({
  method: 'delete',
  path: '/limits/{id}',
  summary: 'Takes a limit away with what it counted.',
  request: { params },
  responses: { 204: { description: 'Removed.' }, ...DECLARED, ...missing('limit'), ...UNAUTHORISED },
})

export function addLimits(app: AdminApp, { limits, registry }: Pick<AdminDependencies, 'limits' | 'registry'>): void {
  app.openAPIRegistry.register('NewLimit', newLimitSchema)
  app.openAPIRegistry.register('LimitChanges', limitChangesSchema)
  const known = (id: string) => limits.limits().find(limit => limit.id === id)

  app.openapi(listRoute, context => context.json({ limits: limits.limits().map(shownLimit) }, 200))

  app.openapi(makeRoute, async context => {
    const read = readNewLimit(await bodyOf(context), registry)
    if ('faults' in read) return context.json(invalidInput(read.faults), 400)
    const made = await limits.create(read.terms, actorOf(context))
    if (made === 'taken') return context.json(taken(read.terms, limits.limits()), 409)
    return context.json(shownLimit(made), 201)
  })

  app.openapi(oneRoute, async context => {
    const { id } = context.req.valid('param')
    const limit = known(id)
    if (limit === undefined) return context.json(unknown(id), 404)
    const views = await limits.states({ scope: scopeText(limit.scope), limit: MAX_STATES })
    const states = views.filter(view => view.limit === id).map(shownState)
    return context.json({ ...shownLimit(limit), states }, 200)
  })

  app.openapi(changeRoute, async context => {
    const { id } = context.req.valid('param')
    const limit = known(id)
    if (limit === undefined) return context.json(unknown(id), 404)
    const read = readLimitChanges(await bodyOf(context), limit, registry)
    if ('faults' in read) return context.json(invalidInput(read.faults), 400)
    const changed = await limits.change(id, read.changes, actorOf(context))
    if (changed === 'declared') return context.json(declared(id), 409)
    if (changed === 'unknown') return context.json(unknown(id), 404)
    return context.json(shownLimit(changed), 200)
  })

  app.openapi(removeRoute, async context => {
    const { id } = context.req.valid('param')
    const done = await limits.remove(id, actorOf(context))
    switch (done) {
      case 'removed':
        return context.body(null, 204)
      case 'declared':
        return context.json(declared(id), 409)
      case 'unknown':
        return context.json(unknown(id), 404)
    }
  })
}

function taken(terms: LimitTerms, limits: readonly Limit[]): Problem {
  const { scope, unit, window } = terms
  const name = ({ scope, unit, window }: LimitTerms) => `${scopeText(scope)} ${unit} ${windowText(window)}`
  const other = limits.find(limit => name(limit) === name(terms))
  const which = other === undefined ? '' : `, ${other.id}${other.readOnly ? ' of the configuration' : ''}`
  const over = window.form === null ? '' : ` over ${JSON.stringify(window.form)}`
  return problem('limit_exists', `there is already a limit of ${unit} for ${scopeText(scope)}${over}${which}`)
}

function declared(id: string): Problem {
  return problem('declared', `the limit '${id}' is declared in the configuration: change it there`)
}

function unknown(id: string): Problem {
  return problem('not_found', `there is no limit '${id.slice(0, 100)}'`)
}
