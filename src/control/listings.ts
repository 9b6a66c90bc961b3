import { createRoute, z } from '@hono/zod-openapi'
import type { Registry, UpstreamInfo } from '../ports/registry.ts'
import { formatTime } from '../units/time.ts'
import type { Model } from '../vocabulary/deployment.ts'
import { json, UNAUTHORISED } from './answers.ts'
import type { AdminApp } from './app.ts'
import { time } from './fields.ts'

const modelSchema = z
  .object({
    name: z.string().openapi({ description: 'What callers ask for.' }),
    route: z.string(),
    maxOutputTokens: z.number().int().nullable(),
    createdAt: time,
    deployments: z
      .array(
        z.object({
          name: z.string().openapi({ example: 'openai/gpt-5-mini' }),
          upstream: z.string(),
          model: z.string(),
          dialects: z.array(z.string()).readonly(),
          engine: z.string().nullable(),
        }),
      )
      .readonly(),
  })
  .openapi('Model')

const upstreamSchema = z
  .object({
    name: z.string(),
    dialects: z.array(z.string()).readonly(),
    engine: z.string().nullable().openapi({ description: 'Null for a hosted API.' }),
    baseUrls: z.array(z.string()).readonly(),
    source: z.enum(['configuration', 'environment', 'discovered', 'embedded']),
  })
  .openapi('Upstream')

const modelsRoute = createRoute({
  method: 'get',
  path: '/models',
  summary: 'The names that callers may ask for, and what serves them.',
  responses: { 200: json('All models.', z.object({ models: z.array(modelSchema).readonly() })), ...UNAUTHORISED },
})

const upstreamsRoute = createRoute({
  method: 'get',
  path: '/upstreams',
  summary: 'Where tokens come from; keys and headers stay behind.',
  responses: {
    200: json('All upstreams.', z.object({ upstreams: z.array(upstreamSchema).readonly() })),
    ...UNAUTHORISED,
  },
})

export function addListings(app: AdminApp, registry: Registry): void {
  app.openapi(modelsRoute, context => context.json({ models: registry.models().map(shownModel) }, 200))
  app.openapi(upstreamsRoute, context => context.json({ upstreams: registry.upstreams().map(shownUpstream) }, 200))
}

function shownModel(model: Model): z.infer<typeof modelSchema> {
  const { name, route, maxOutputTokens } = model
  const deployments = model.deployments.map(deployment => ({
    name: deployment.name,
    upstream: deployment.upstream,
    model: deployment.model,
    dialects: deployment.dialects,
    engine: deployment.engine,
  }))
  return { name, route, maxOutputTokens, createdAt: formatTime(model.createdAt), deployments }
}

/** Field by field, so that whatever else an upstream's description may come to hold stays inside. */
function shownUpstream({ name, dialects, engine, baseUrls, source }: UpstreamInfo): z.infer<typeof upstreamSchema> {
  return { name, dialects, engine, baseUrls, source }
}
