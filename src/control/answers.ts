import { z } from '@hono/zod-openapi'

/** How every error of the admin API looks. */
export const problemSchema = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.enum(['invalid_request_error', 'server_error']),
      code: z.string(),
      faults: z
        .array(z.object({ place: z.string(), message: z.string() }))
        .readonly()
        .optional(),
    }),
  })
  .openapi('Problem')

/** A JSON answer of a route, as its documentation names it. */
export function json<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { 'application/json': { schema } } }
}

export const INVALID = { 400: json('Wrong input: every fault at once.', problemSchema) }
export const UNAUTHORISED = { 401: json('The admin token is missing or wrong.', problemSchema) }

export function missing(what: string) {
  return { 404: json(`There is no such ${what}.`, problemSchema) }
}
