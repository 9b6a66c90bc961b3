import type { IncomingMessage, ServerResponse } from 'node:http'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { bridge, problemAnswer, send } from './bridge.ts'
import type { AdminDependencies } from './dependencies.ts'
import { addKeys } from './keys.ts'
import { addListings } from './listings.ts'
import { faultsOf, invalidInput, problem, serverProblem } from './problem.ts'
import { addReceipts } from './receipts.ts'
import { bearerCheck } from './token.ts'
import { addUsage } from './usage.ts'

const BASE_PATH = '/admin/v1'

/**
 * The admin API, described by its own `GET /admin/v1/openapi.json`: the routes that serve are those that document.
 *
 * @returns a handler of `node:http` for everything below `/admin/`
 */
export function createAdmin(
  dependencies: AdminDependencies,
): (request: IncomingMessage, response: ServerResponse) => void {
  const app = createApp(dependencies)
  const authorised = bearerCheck(dependencies.adminToken)
  return (request, response) => {
    // Asked before the body is read: who may not come in shall not make the gateway keep bytes.
    if (authorised(request.headers.authorization)) void bridge(request, response, app.fetch)
    else send(response, problemAnswer(401, unauthorised(), { 'www-authenticate': 'Bearer' }))
  }
}

function createApp(dependencies: AdminDependencies): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result, context) =>
      result.success ? undefined : context.json(invalidInput(faultsOf(result.error.issues)), 400),
  }).basePath(BASE_PATH) as OpenAPIHono
  app.use('*', async (context, next) => {
    context.header('cache-control', 'no-store')
    if (bodyIsJson(context)) return next()
    return context.json(invalidInput([{ place: 'content-type', message: 'expected application/json' }]), 400)
  })
  addKeys(app, dependencies.registry)
  addListings(app, dependencies.registry)
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

function describe(app: OpenAPIHono): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'adminToken', { type: 'http', scheme: 'bearer' })
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Penstock admin API', version: '1', description: 'Keys, listings, receipts and usage.' },
    security: [{ adminToken: [] }],
  })
}

function unauthorised() {
  return problem('invalid_admin_token', 'no valid admin token: expected it in `Authorization: Bearer TOKEN`')
}

function bodyIsJson(context: Context): boolean {
  if (!['POST', 'PUT', 'PATCH'].includes(context.req.method)) return true
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(context.req.header('content-type') ?? '')
}

function nothingAt(context: Context) {
  const path = context.req.path.slice(0, 200)
  return problem('not_found', `nothing is served at ${context.req.method} ${path}: see ${BASE_PATH}/openapi.json`)
}
