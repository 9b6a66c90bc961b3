import { createRoute, z } from '@hono/zod-openapi'
import type { LedgerStore, UsageDimension, UsageSums } from '../ports/ledger.ts'
import { formatDollars } from '../units/money.ts'
import { isShortName } from '../vocabulary/names.ts'
import { INVALID, json, UNAUTHORISED } from './answers.ts'
import type { AdminApp } from './app.ts'
import { closed, moment, money } from './fields.ts'
import { invalidInput } from './problem.ts'

const DIMENSIONS = ['model', 'team', 'user', 'key', 'deployment'] as const
const DIMENSIONS_RULE = `expected a list of ${DIMENSIONS.join(', ')} and tag:NAME, with commas between`
/** Every dimension multiplies the rows that a report may have. */
const MAX_DIMENSIONS = 5

function isDimension(text: string): text is UsageDimension {
  if ((DIMENSIONS as readonly string[]).includes(text)) return true
  return text.startsWith('tag:') && isShortName(text.slice('tag:'.length))
}

const dimensions = z
  .string()
  .transform((text, context): readonly UsageDimension[] => {
    const asked = [...new Set(text.split(',').map(part => part.trim()))]
    const known = asked.filter(isDimension)
    for (const name of asked) {
      if (!isDimension(name)) context.addIssue({ code: 'custom', message: `'${name}' is unknown, ${DIMENSIONS_RULE}` })
    }
    if (known.length > MAX_DIMENSIONS) {
      context.addIssue({ code: 'custom', message: `expected at most ${MAX_DIMENSIONS} dimensions` })
    }
    return known
  })
  .openapi({ type: 'string', description: DIMENSIONS_RULE, example: 'model,tag:project', default: 'model' })

const sums = {
  requests: z.number().int().openapi({ description: 'Calls; by deployment, calls that it took part in.' }),
  inputTokens: z.number().int().openapi({ description: 'With cached and cache-written ones.' }),
  cachedInputTokens: z.number().int(),
  outputTokens: z.number().int(),
  dollars: money.openapi({ description: 'Of all attempts, wasted ones included.' }),
  wastedDollars: money.openapi({
    description: 'Of attempts that did not complete, but for those whose content another one went on from to the end.',
  }),
  unratedAttempts: z.number().int().openapi({ description: 'Attempts without a known price; they add no dollars.' }),
}

const usageSchema = z
  .object({
    rows: z
      .array(z.object(sums).catchall(z.union([z.string(), z.number(), z.null()])))
      .readonly()
      .openapi({ description: 'One for each combination, with a column for each dimension of `by`.' }),
    totals: z.object(sums),
  })
  .openapi('Usage')

const usageRoute = createRoute({
  method: 'get',
  path: '/usage',
  summary: 'Sums over calls.',
  request: {
    query: closed({ by: dimensions.optional(), since: moment.optional(), until: moment.optional() }, 'parameter'),
  },
  responses: { 200: json('Rows and totals.', usageSchema), ...INVALID, ...UNAUTHORISED },
})

export function addUsage(app: AdminApp, ledger: Pick<LedgerStore, 'usage'>): void {
  app.openapi(usageRoute, async context => {
    const { by = ['model' as const], since, until } = context.req.valid('query')
    if (since !== undefined && until !== undefined && until < since) {
      return context.json(
        invalidInput([{ place: 'until', message: 'expected a time that is not before `since`' }]),
        400,
      )
    }
    const report = await ledger.usage({ by, since, until })
    const rows = report.rows.map(row => ({ ...columnsOf(row.group, by), ...shown(row) }))
    return context.json({ rows, totals: shown(report.totals) }, 200)
  })
}

/** In the order in which they were asked for, which is the order of the columns of a table. */
function columnsOf(group: Readonly<Record<string, string | null>>, by: readonly UsageDimension[]) {
  return Object.fromEntries(by.map(name => [name, group[name] ?? null]))
}

function shown(row: UsageSums) {
  return {
    requests: row.requests,
    inputTokens: row.inputTokens,
    cachedInputTokens: row.cachedInputTokens,
    outputTokens: row.outputTokens,
    dollars: formatDollars(row.dollars),
    wastedDollars: formatDollars(row.wastedDollars),
    unratedAttempts: row.unratedAttempts,
  }
}
