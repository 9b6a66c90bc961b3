import { createRoute, z } from '@hono/zod-openapi'
import type { LimitStore } from '../ports/ledger.ts'
import { formatTime } from '../units/time.ts'
import { INVALID, json, UNAUTHORISED } from './answers.ts'
import type { AdminApp } from './app.ts'
import { closed, pageSize, time } from './fields.ts'

const DEFAULT_PAGE = 100
const MAX_PAGE = 999
const BEFORE_RULE = 'expected the number of an entry, such as the cursor of the page before'

const entrySchema = z
  .object({
    number: z.number().int().openapi({ description: 'Grows with each entry.' }),
    at: time,
    actor: z.string().openapi({ description: '`admin`, or `configuration` for what a start found changed.' }),
    address: z.string().nullable().openapi({ description: 'Where the request came from; null for none.' }),
    action: z.enum(['create', 'change', 'delete']),
    subject: z.string().openapi({ example: 'limit:lim_0123456789abc' }),
    before: z.unknown().openapi({ description: 'Null where there was nothing.' }),
    after: z.unknown().openapi({ description: 'Null where there is nothing any more.' }),
  })
  .openapi('AuditEntry')

const before = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, { error: BEFORE_RULE })
  .transform(Number)
  .openapi({ type: 'integer', minimum: 1, description: 'Only entries of smaller numbers.' })

const auditRoute = createRoute({
  method: 'get',
  path: '/audit',
  summary: 'Who changed what, newest first, a page at a time.',
  request: {
    query: closed(
      { before: before.optional(), limit: pageSize({ most: MAX_PAGE, byDefault: DEFAULT_PAGE }).optional() },
      'parameter',
    ),
  },
  responses: {
    200: json(
      'A page; `cursor` is what `before` takes for the next and null on the last.',
      z.object({ entries: z.array(entrySchema).readonly(), cursor: z.number().int().nullable() }),
    ),
    ...INVALID,
    ...UNAUTHORISED,
  },
})

export function addAudit(app: AdminApp, audits: LimitStore['audits']): void {
  app.openapi(auditRoute, async context => {
    const { before, limit = DEFAULT_PAGE } = context.req.valid('query')
    // One more than is shown tells whether there is another page.
    const found = await audits(before === undefined ? { limit: limit + 1 } : { before, limit: limit + 1 })
    const page = found.slice(0, limit)
    const entries = page.map(({ number, at, actor, address, action, subject, before, after }) => {
      return { number, at: formatTime(at), actor, address, action, subject, before, after }
    })
    return context.json({ entries, cursor: found.length > limit ? page.at(-1)!.number : null }, 200)
  })
}
