import { createRoute, z } from '@hono/zod-openapi'
import type { ReceiptPage, ReceiptQuery } from '../ports/ledger.ts'
import { callIdToInteger } from '../vocabulary/id.ts'
import { INVALID, json, missing, UNAUTHORISED } from './answers.ts'
import type { AdminApp } from './app.ts'
import type { AdminDependencies } from './dependencies.ts'
import { callOutcome, closed, moment, pageSize } from './fields.ts'
import { invalidInput, problem } from './problem.ts'
import { receiptSchema } from './receipt-schema.ts'

const DEFAULT_PAGE = 100
const MAX_PAGE = 1_000
const MAX_CURSOR_CHARACTERS = 200
const CURSOR_RULE = 'expected the cursor of the page before'

const query = closed(
  {
    since: moment.optional().openapi({ description: 'Inclusive.' }),
    until: moment.optional().openapi({ description: 'Exclusive.' }),
    outcome: callOutcome.optional(),
    cursor: z.string().min(1, { error: CURSOR_RULE }).max(MAX_CURSOR_CHARACTERS, { error: CURSOR_RULE }).optional(),
    limit: pageSize({ most: MAX_PAGE, byDefault: DEFAULT_PAGE }).optional(),
  },
  'parameter',
)

const pageRoute = createRoute({
  method: 'get',
  path: '/receipts',
  summary: 'Receipts, oldest first, a page at a time.',
  request: { query },
  responses: {
    200: json(
      'A page; `cursor` asks for the next and is null on the last.',
      z.object({ receipts: z.array(receiptSchema).readonly(), cursor: z.string().nullable() }),
    ),
    ...INVALID,
    ...UNAUTHORISED,
  },
})

const oneRoute = createRoute({
  method: 'get',
  path: '/receipts/{id}',
  summary: 'The receipt of one call.',
  request: { params: z.object({ id: z.string() }) },
  responses: { 200: json('The receipt.', receiptSchema), ...missing('receipt'), ...UNAUTHORISED },
})

export function addReceipts(app: AdminApp, { ledger, receiptOf }: AdminDependencies): void {
  app.openapi(pageRoute, async context => {
    const { since, until, outcome, cursor, limit = DEFAULT_PAGE } = context.req.valid('query')
    if (since !== undefined && until !== undefined && until < since) {
      return context.json(
        invalidInput([{ place: 'until', message: 'expected a time that is not before `since`' }]),
        400,
      )
    }
    const page = await pageOf(ledger, { since, until, outcome, cursor, limit })
    if (page === null) return context.json(invalidInput([{ place: 'cursor', message: CURSOR_RULE }]), 400)
    return context.json({ receipts: page.records.map(record => receiptOf(record)), cursor: page.cursor }, 200)
  })

  app.openapi(oneRoute, async context => {
    const { id } = context.req.valid('param')
    const record = callIdToInteger(id) === null ? null : await ledger.receipt(id)
    if (record === null) return context.json(problem('not_found', `there is no receipt '${id.slice(0, 100)}'`), 404)
    return context.json(receiptOf(record), 200)
  })
}

/** @returns null when the cursor is none that the ledger gave out; only the ledger knows what its cursors look like */
async function pageOf(ledger: AdminDependencies['ledger'], query: ReceiptQuery): Promise<ReceiptPage | null> {
  try {
    return await ledger.receipts(query)
  } catch (error) {
    if (error instanceof RangeError && query.cursor !== undefined) return null
    throw error
  }
}
