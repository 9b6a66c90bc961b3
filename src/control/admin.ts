import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { AdminApp, AdminEnv } from './app.ts'
import { addAudit } from './audit.ts'
import type { AdminDependencies } from './dependencies.ts'
import { addFleet, takesNoBody } from './fleet.ts'
import type { AdminFetch } from './handler.ts'
import { addKeys } from './keys.ts'
import { addLimitStates } from './limit-states.ts'
import { addLimits } from './limits.ts'
import { addListings } from './listings.ts'
import { addPlanGrants } from './plan-grants.ts'
import { addPlans } from './plans.ts'
import { faultsOf, invalidInput, problem, serverProblem } from './problem.ts'
import { addReceipts } from './receipts.ts'
import { addUsage } from './usage.ts'

const BASE_PATH = '/admin/v1'

/**
 * The admin API, described by its own `GET /admin/v1/openapi.json`: the routes that serve are those that document. Whoever
 * asks has shown the admin token before.
 *
 * @returns answers a request that came from an address
 */
export function createAdmin(dependencies: AdminDependencies): AdminFetch {
  const app = createApp(dependencies)
  return async (request, address) => app.fetch(request, { address })
}

function createApp(dependencies: AdminDependencies): AdminApp {
  const app = new OpenAPIHono<AdminEnv>({
    defaultHook: (result, context) =>
      result.success ? undefined : context.json(invalidInput(faultsOf(result.error.issues)), 400),
  }).basePath(BASE_PATH) as AdminApp
  app.use('*', async (context, next) => {
    context.header('cache-control', 'no-store')
    if (bodyIsJson(context)) return next()
    return context.json(invalidInput([{ place: 'content-type', message: 'expected application/json' }]), 400)
  })
  addKeys(app, dependencies)
  addListings(app, dependencies.registry)
  addLimits(app, dependencies)
  addLimitStates(app, dependencies.limits)
  addPlans(app, dependencies)
  addPlanGrants(app, dependencies.plans)
  addFleet(app, dependencies)
  addAudit(app, dependencies.audits)
  addReceipts(app, dependencies)
  addUsage(app, dependencies.ledger)
  describe(app)
  app.notFound(context => context.json(nothingAt(context), 404))
  app.onError((error, context) => {
    if (error instanceof HTTPException && error.status < 500) {
      return context.json(invalidInput([{ place: '', message: error.message }]), 400)
    }
    return context.json(serverProblem(`the request could not be served: ${error.message}`), 500)
  })
  return app
}

function describe(app: AdminApp): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'adminToken', { type: 'http', scheme: 'bearer' })
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Penstock admin API',
      version: '1',
      description: 'Keys, limits, plans, the fleet, the audit of their changes, listings, receipts and usage.',
    },
    security: [{ adminToken: [] }],
  })
}

function bodyIsJson(context: Context): boolean {
  if (!['POST', 'PUT', 'PATCH'].includes(context.req.method) || takesNoBody(context.req.path)) return true
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(context.req.header('content-type') ?? '')
}

function nothingAt(context: Context) {
  const path = context.req.path.slice(0, 200)
  return problem('not_found', `nothing is served at ${context.req.method} ${path}: see ${BASE_PATH}/openapi.json`)
}
