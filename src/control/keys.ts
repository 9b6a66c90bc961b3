import { createRoute, z } from '@hono/zod-openapi'
import type { NewKey, Registry } from '../ports/registry.ts'
import { formatTime } from '../units/time.ts'
import type { Key } from '../vocabulary/caller.ts'
import type { Tier } from '../vocabulary/tier.ts'
import { INVALID, json, missing, problemSchema, UNAUTHORISED } from './answers.ts'
import type { AdminApp } from './app.ts'
import type { AdminDependencies } from './dependencies.ts'
import { closed, keyName, label, tagName, time } from './fields.ts'
import { type Fault, invalidInput, problem } from './problem.ts'

const MAX_TAGS = 32
const MAX_MODELS = 1_000
const MAX_TIERS = 100

const keySchema = z
  .object({
    name: z.string(),
    team: z.string().nullable(),
    user: z.string().nullable(),
    tags: z.record(z.string(), z.string()),
    models: z.array(z.string()).readonly().nullable().openapi({ description: 'Null for all models.' }),
    tiers: z
      .array(z.string())
      .readonly()
      .nullable()
      .openapi({ description: 'The first is that of calls which name none. Null for all.' }),
    createdAt: time,
    readOnly: z.boolean().openapi({ description: 'Declared in the configuration.' }),
  })
  .openapi('Key')

const madeKeySchema = keySchema
  .extend({ secret: z.string().openapi({ description: 'Shown here and never again; only its hash is kept.' }) })
  .openapi('MadeKey')

const newKeySchema = closed(
  {
    name: keyName,
    team: label.nullable().optional(),
    user: label.nullable().optional(),
    tags: z
      .record(tagName, label, { error: 'expected an object of names and values' })
      .refine(tags => Object.keys(tags).length <= MAX_TAGS, { error: `expected at most ${MAX_TAGS} tags` })
      .optional(),
    models: z
      .array(z.string({ error: 'expected the name of a model' }), {
        error: 'expected a list of models, or null for all',
      })
      .min(1, { error: 'expected at least one model, or null for all' })
      .max(MAX_MODELS, { error: `expected at most ${MAX_MODELS} models` })
      .nullable()
      .optional(),
    tiers: z
      .array(z.string({ error: 'expected the name of a tier' }), {
        error: 'expected a list of tiers, or null for all',
      })
      .min(1, { error: 'expected at least one tier, or null for all' })
      .max(MAX_TIERS, { error: `expected at most ${MAX_TIERS} tiers` })
      .nullable()
      .optional(),
  },
  'field',
).openapi('NewKey')

const listRoute = createRoute({
  method: 'get',
  path: '/keys',
  summary: 'Every key, without its secret.',
  responses: { 200: json('All keys.', z.object({ keys: z.array(keySchema).readonly() })), ...UNAUTHORISED },
})

const createKeyRoute = createRoute({
  method: 'post',
  path: '/keys',
  summary: 'Makes a key and tells its secret, once.',
  request: { body: { required: true, content: { 'application/json': { schema: newKeySchema } } } },
  responses: {
    201: json('The key and its secret.', madeKeySchema),
    409: json('The name is taken.', problemSchema),
    ...INVALID,
    ...UNAUTHORISED,
  },
})

const revokeRoute = createRoute({
  method: 'delete',
  path: '/keys/{name}',
  summary: 'Revokes a key at once.',
  request: { params: z.object({ name: z.string() }) },
  responses: {
    204: { description: 'Revoked.' },
    409: json('The key is declared in the configuration.', problemSchema),
    ...missing('key'),
    ...UNAUTHORISED,
  },
})

type KeyDependencies = Pick<AdminDependencies, 'registry' | 'tiers'>

export function addKeys(app: AdminApp, { registry, tiers }: KeyDependencies): void {
  app.openapi(listRoute, context => context.json({ keys: registry.keys().map(shown) }, 200))

  app.openapi(createKeyRoute, async context => {
    const asked = context.req.valid('json')
    const wanted: NewKey = {
      name: asked.name,
      team: asked.team ?? null,
      user: asked.user ?? null,
      tags: asked.tags ?? {},
      models: asked.models ?? null,
      tiers: asked.tiers ?? null,
    }
    const unknown = [...unknownModels(wanted, registry), ...unknownTiers(wanted, tiers)]
    if (unknown.length > 0) return context.json(invalidInput(unknown), 400)
    const made = await registry.createKey(wanted)
    if (made === 'taken') {
      return context.json(problem('name_taken', `there is already a key named '${wanted.name}'`), 409)
    }
    return context.json({ ...shown(made.key), secret: made.secret }, 201)
  })

  app.openapi(revokeRoute, async context => {
    const { name } = context.req.valid('param')
    const done = await registry.revokeKey(name)
    switch (done) {
      case 'revoked':
        return context.body(null, 204)
      case 'declared': {
        const message = `the key '${name}' is declared in the configuration: take it out there`
        return context.json(problem('declared', message), 409)
      }
      case 'unknown':
        return context.json(problem('not_found', `there is no key named '${name}'`), 404)
    }
  })
}

/** What is shown of a key: never its hash, which would let a weak secret be guessed offline. */
function shown(key: Key): z.infer<typeof keySchema> {
  const { name, team, user, tags, models, tiers, createdAt, declared } = key
  const shownAt = formatTime(createdAt)
  return { name, team, user, tags: { ...tags }, models, tiers, createdAt: shownAt, readOnly: declared }
}

function unknownModels(wanted: NewKey, registry: Registry): readonly Fault[] {
  return (wanted.models ?? []).flatMap((name, index) =>
    registry.model(name) ? [] : [{ place: `models.${index}`, message: `there is no model '${name}'` }],
  )
}

function unknownTiers(wanted: NewKey, tiers: readonly Tier[]): readonly Fault[] {
  const known = tiers.map(({ name }) => name)
  return (wanted.tiers ?? []).flatMap((name, index) =>
    known.includes(name)
      ? []
      : [{ place: `tiers.${index}`, message: `there is no tier '${name}': expected one of ${known.join(', ')}` }],
  )
}
