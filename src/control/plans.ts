import { createRoute, z } from '@hono/zod-openapi'
import { INVALID, json, missing, problemSchema, UNAUTHORISED } from './answers.ts'
import { type AdminApp, actorOf } from './app.ts'
import { bodyOf, described } from './bodies.ts'
import type { AdminDependencies } from './dependencies.ts'
import { MAX_STATES } from './limit-states.ts'
import { shownState } from './limit-views.ts'
import { placed, readNewPlan, readPlanChanges } from './plan-input.ts'
import { newPlanSchema, planChangesSchema, planSchema, planWithStatesSchema } from './plan-schema.ts'
import { shownPlan } from './plan-views.ts'
import { invalidInput, type Problem, problem } from './problem.ts'

const params = z.object({ name: z.string() })
const DECLARED = { 409: json('The plan is declared in the configuration.', problemSchema) }

const listRoute = createRoute({
  method: 'get',
  path: '/plans',
  summary: 'Every plan, declared or made here.',
  responses: { 200: json('All plans.', z.object({ plans: z.array(planSchema).readonly() })), ...UNAUTHORISED },
})

const makeRoute = createRoute({
  method: 'post',
  path: '/plans',
  summary: 'Makes a plan, which binds its subscribers at once.',
  request: { body: described('NewPlan') },
  responses: {
    201: json('The plan.', planSchema),
    409: json('There is already a plan of this name.', problemSchema),
    ...INVALID,
    ...UNAUTHORISED,
  },
})

const oneRoute = createRoute({
  method: 'get',
  path: '/plans/{name}',
  summary: 'A plan, and how much is taken of each of its limits.',
  request: { params },
  responses: { 200: json('The plan.', planWithStatesSchema), ...missing('plan'), ...UNAUTHORISED },
})

const changeRoute = createRoute({
  method: 'patch',
  path: '/plans/{name}',
  summary: 'Changes who subscribes, or whole parts; a limit that stays keeps its use.',
  request: { params, body: described('PlanChanges') },
  responses: {
    200: json('The plan as it is now.', planSchema),
    ...INVALID,
    ...DECLARED,
    ...missing('plan'),
    ...UNAUTHORISED,
  },
})

const removeRoute = createRoute({
  method: 'delete',
  path: '/plans/{name}',
  summary: 'Takes a plan away with all that its limits counted.',
  request: { params },
  responses: { 204: { description: 'Removed.' }, ...DECLARED, ...missing('plan'), ...UNAUTHORISED },
})

type PlanDependencies = Pick<AdminDependencies, 'plans' | 'limits' | 'registry'>

export function addPlans(app: AdminApp, { plans, limits, registry }: PlanDependencies): void {
  app.openAPIRegistry.register('NewPlan', newPlanSchema)
  app.openAPIRegistry.register('PlanChanges', planChangesSchema)
  const known = (name: string) => plans.plans().find(({ plan }) => plan.name === name)

  app.openapi(listRoute, context => context.json({ plans: plans.plans().map(shownPlan) }, 200))

  app.openapi(makeRoute, async context => {
    const read = readNewPlan(await bodyOf(context), registry)
    if ('faults' in read) return context.json(invalidInput(placed(read.faults)), 400)
    const made = await plans.create(read.plan, actorOf(context))
    if (made === 'taken') return context.json(taken(read.plan.name), 409)
    return context.json(shownPlan(made), 201)
  })

  app.openapi(oneRoute, async context => {
    const { name } = context.req.valid('param')
    const plan = known(name)
    if (plan === undefined) return context.json(unknownPlan(name), 404)
    const states = await limits.states({ plan: name, limit: MAX_STATES })
    return context.json({ ...shownPlan(plan), states: states.map(shownState) }, 200)
  })

  app.openapi(changeRoute, async context => {
    const { name } = context.req.valid('param')
    const plan = known(name)
    if (plan === undefined) return context.json(unknownPlan(name), 404)
    const revise = readPlanChanges(await bodyOf(context), { ...shownPlan(plan) }, registry)
    const changed = await plans.change(name, revise, actorOf(context))
    if (changed === 'declared') return context.json(declared(name), 409)
    if (changed === 'unknown') return context.json(unknownPlan(name), 404)
    if ('faults' in changed) return context.json(invalidInput(placed(changed.faults)), 400)
    return context.json(shownPlan(changed), 200)
  })

  app.openapi(removeRoute, async context => {
    const { name } = context.req.valid('param')
    const done = await plans.remove(name, actorOf(context))
    switch (done) {
      case 'removed':
        return context.body(null, 204)
      case 'declared':
        return context.json(declared(name), 409)
      case 'unknown':
        return context.json(unknownPlan(name), 404)
    }
  })
}

function taken(name: string): Problem {
  return problem('plan_exists', `there is already a plan '${name}'`)
}

function declared(name: string): Problem {
  return problem('declared', `the plan '${name}' is declared in the configuration: change it there`)
}

export function unknownPlan(name: string): Problem {
  return problem('not_found', `there is no plan '${name.slice(0, 100)}'`)
}
