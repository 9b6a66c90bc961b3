import { createRoute, z } from '@hono/zod-openapi'
import { INVALID, json, missing, problemSchema, UNAUTHORISED } from './answers.ts'
import { type AdminApp, actorOf } from './app.ts'
import { bodyOf, described } from './bodies.ts'
import type { AdminDependencies } from './dependencies.ts'
import { placed } from './plan-input.ts'
import { newGrantSchema, shownGrantSchema } from './plan-schema.ts'
import { shownGrant } from './plan-views.ts'
import { unknownPlan } from './plans.ts'
import { invalidInput, problem } from './problem.ts'

const params = z.object({ name: z.string() })
const grants = z.object({ grants: z.array(shownGrantSchema).readonly() })

const listRoute = createRoute({
  method: 'get',
  path: '/plans/{name}/grants',
  summary: 'What is used, left and expired of each grant of a plan, in the order in which they are drawn.',
  request: { params },
  responses: {
    200: json('Of an `each:` limit once for each member that has taken something.', grants),
    ...missing('plan'),
    ...UNAUTHORISED,
  },
})

const makeRoute = createRoute({
  method: 'post',
  path: '/plans/{name}/grants',
  summary: 'Grants credits of a plan, of a declared one too; calls may draw them at once.',
  request: { params, body: described('NewGrant') },
  responses: {
    201: json('The grant.', shownGrantSchema),
    409: json('The plan has already a grant of this id.', problemSchema),
    ...INVALID,
    ...missing('plan'),
    ...UNAUTHORISED,
  },
})

const endRoute = createRoute({
  method: 'delete',
  path: '/plans/{name}/grants/{id}',
  summary: 'Ends a grant: what is used stays used, what calls hold is honoured, the rest expires.',
  request: { params: params.extend({ id: z.string() }) },
  responses: {
    204: { description: 'Ended.' },
    409: json('The grant stands in the plan itself.', problemSchema),
    ...missing('plan or grant'),
    ...UNAUTHORISED,
  },
})

export function addPlanGrants(app: AdminApp, plans: AdminDependencies['plans']): void {
  app.openAPIRegistry.register('NewGrant', newGrantSchema)

  app.openapi(listRoute, async context => {
    const { name } = context.req.valid('param')
    const found = await plans.grants(name)
    if (found === 'unknown') return context.json(unknownPlan(name), 404)
    return context.json({ grants: found.map(shownGrant) }, 200)
  })

  app.openapi(makeRoute, async context => {
    const { name } = context.req.valid('param')
    const made = await plans.grant(name, await bodyOf(context), actorOf(context))
    if (made === 'unknown') return context.json(unknownPlan(name), 404)
    if (made === 'taken') return context.json(taken(name), 409)
    if ('faults' in made) return context.json(invalidInput(placed(made.faults)), 400)
    return context.json(shownGrant(made), 201)
  })

  app.openapi(endRoute, async context => {
    const { name, id } = context.req.valid('param')
    const done = await plans.revokeGrant(name, id, actorOf(context))
    switch (done) {
      case 'revoked':
        return context.body(null, 204)
      case 'written':
        return context.json(written(name, id), 409)
      case 'unknown':
        return context.json(unknownGrant(name, id), 404)
    }
  })
}

function taken(plan: string) {
  return problem('grant_exists', `the plan '${plan}' has already a grant of this id`)
}

function written(plan: string, id: string) {
  return problem('declared', `the grant '${id}' stands in the plan '${plan}': change it there`)
}

function unknownGrant(plan: string, id: string) {
  return problem('not_found', `there is no grant '${id.slice(0, 100)}' of a plan '${plan.slice(0, 100)}'`)
}
