import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'

/** A body that the document describes and no schema reads. */
export function described(name: string) {
  return { required: true, content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } } }
}

/** @throws HTTPException where it is no JSON */
export async function bodyOf(context: Context): Promise<unknown> {
  try {
    return await context.req.json()
  } catch {
    throw new HTTPException(400, { message: 'expected a body of JSON' })
  }
}
