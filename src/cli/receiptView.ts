import type { Row } from './output.ts'

/** An attempt as gateways show it; what one of another version leaves out stays empty. */
interface AttemptTold extends Row {
  readonly usage?: Row | null
  readonly lines?: readonly Row[]
  readonly priceBook?: unknown
  readonly route?: RouteTold
  readonly spill?: Row
}

interface RouteTold {
  readonly by: unknown
  readonly candidates: readonly Row[]
  readonly passedOver: readonly Row[]
}

export interface ReceiptTold extends Row {
  readonly attempts: readonly AttemptTold[]
}

const ATTEMPT_COLUMNS = [
  'attempt',
  'deployment',
  'replica',
  'outcome',
  'status',
  'startedAt',
  'durationMs',
  'timeToFirstTokenMs',
  'expectedCachedTokens',
  'dollars',
]
const USAGE_COLUMNS = [
  'attempt',
  'inputTokens',
  'cachedInputTokens',
  'cacheWrite5mTokens',
  'cacheWrite1hTokens',
  'outputTokens',
  'reasoningTokens',
  'source',
]
const LINE_COLUMNS = ['attempt', 'unit', 'tokens', 'dollarsPerMillion', 'dollars', 'priceBook']
const SPILL_COLUMNS = ['attempt', 'why', 'expectedMs', 'targetMs', 'harmDollars', 'moreDollars']
const ROUTE_COLUMNS = ['attempt', 'route', 'place', 'deployment', 'score', 'dollars', 'why']

/**
 * A receipt for reading: the call, its attempts in order, what they used and cost, why they went where they went, and by
 * which sum one left the queue for a hosted deployment.
 */
export function receiptTables({ attempts, ...call }: ReceiptTold) {
  const numbered = attempts.map((attempt, n) => ({ ...attempt, attempt: n + 1 }))
  return [
    { title: 'Call', columns: ['field', 'value'], rows: fieldsOf('', call) },
    { title: 'Attempts', columns: ATTEMPT_COLUMNS, rows: numbered },
    {
      title: 'Usage',
      columns: USAGE_COLUMNS,
      rows: numbered.flatMap(({ attempt, usage }) => (usage ? [{ ...usage, attempt }] : [])),
    },
    {
      title: 'Bill',
      columns: LINE_COLUMNS,
      rows: numbered.flatMap(({ attempt, lines = [], priceBook }) =>
        lines.map(line => ({ ...line, attempt, priceBook })),
      ),
    },
    {
      title: 'Spills',
      columns: SPILL_COLUMNS,
      rows: numbered.flatMap(({ attempt, spill }) => (spill === undefined ? [] : [{ ...spill, attempt }])),
    },
    {
      title: 'Routes',
      columns: ROUTE_COLUMNS,
      rows: numbered.flatMap(({ attempt, route }) => (route === undefined ? [] : routeRows(attempt, route))),
    },
  ]
}

/** Candidates by their places, then those that were passed over. */
function routeRows(attempt: number, { by, candidates, passedOver }: RouteTold): readonly Row[] {
  return [
    ...candidates.map((candidate, n) => ({ ...candidate, attempt, route: by, place: n + 1 })),
    ...passedOver.map(other => ({ ...other, attempt, route: by, place: 'passed over' })),
  ]
}

/** Names and values, those of an object within it after its own name. */
function fieldsOf(prefix: string, row: Row): readonly Row[] {
  return Object.entries(row).flatMap(([name, value]) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? fieldsOf(`${prefix}${name}.`, value as Row)
      : [{ field: `${prefix}${name}`, value }],
  )
}
