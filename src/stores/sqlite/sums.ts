import { ATTEMPT_OUTCOME_CODES } from './codes.ts'

/** The sums that rollups keep and usage adds up: first those that count, then amounts, which may pass 64 bits. */
const COUNTS = {
  calls: 'a.n IS NULL OR a.n = 0',
  took_part: `a.n IS NULL OR a.n = 0 OR NOT EXISTS (
      SELECT 1 FROM attempts e WHERE e.call = a.call AND e.n < a.n AND e.deployment = a.deployment)`,
  unrated: 'a.n IS NOT NULL AND a.dollars IS NULL',
} as const
const AMOUNTS = {
  input: 'a.input',
  cached: 'a.cached',
  output: 'a.output',
  dollars: 'a.dollars',
  // As `isWaste` has it.
  wasted: `CASE WHEN a.outcome <> 0
      AND (c.outcome <> 0 OR a.outcome = ${ATTEMPT_OUTCOME_CODES.superseded} OR a.first_token_us IS NULL) THEN a.dollars END`,
} as const

export const COUNT_COLUMNS = ['calls', 'took_part', 'unrated'] as const
export const AMOUNT_COLUMNS = ['input', 'cached', 'output', 'dollars', 'wasted'] as const
export const SUM_COLUMNS = [...COUNT_COLUMNS, ...AMOUNT_COLUMNS] as const

/** Bits of the lower half of an amount. */
export const HALF_BITS = 32n
const LOW_BITS = (1n << HALF_BITS) - 1n
/** The largest integer of a column; the least is its negative, so that balances of both sides end alike. */
const LARGEST = (1n << 63n) - 1n

/** SQL that holds a value within what a column of integers takes: SQLite goes on in floats where 64 bits end. */
export function saturatedSql(value: string): string {
  return `max(-${LARGEST}, min(${LARGEST}, ${value}))`
}

/** An integer held within what a column takes. */
export function saturated(value: bigint): bigint {
  if (value > LARGEST) return LARGEST
  return value < -LARGEST ? -LARGEST : value
}

/** SQLite fails a sum that passes 64 bits, so both halves of an amount are summed apart, the upper one first. */
function halvesOf(amount: string): readonly [high: string, low: string] {
  return [`coalesce(sum((${amount}) >> ${HALF_BITS}), 0)`, `coalesce(sum((${amount}) & ${LOW_BITS}), 0)`]
}

/** Columns of amounts as halves, each followed by its lower one, for the queries below. */
export const HALF_COLUMNS = AMOUNT_COLUMNS.flatMap(column => [`${column}_high`, `${column}_low`])

/**
 * Sums over calls `c` left-joined with their attempts `a`: those of COUNT_COLUMNS, then those of HALF_COLUMNS. A call
 * counts once in `calls`, at its first attempt, and in `took_part` once for each deployment, at the first attempt
 * there. Outcome 0 is `completed`.
 */
export const HALF_SUMS_OF_CALLS = [
  ...COUNT_COLUMNS.map(column => `sum(${COUNTS[column]})`),
  ...AMOUNT_COLUMNS.flatMap(column => halvesOf(AMOUNTS[column])),
].join(', ')

/** The same sums over rollups. */
export const HALF_SUMS_OF_ROLLUPS = [
  ...COUNT_COLUMNS.map(column => `coalesce(sum(${column}), 0)`),
  ...AMOUNT_COLUMNS.flatMap(halvesOf),
].join(', ')

/** The same sums over calls in the order of SUM_COLUMNS, each amount in one integer and held within what it takes. */
export const SUMS_OF_CALLS = [
  ...COUNT_COLUMNS.map(column => `sum(${COUNTS[column]})`),
  ...AMOUNT_COLUMNS.map(column => {
    const [high, low] = halvesOf(AMOUNTS[column])
    return saturatedSql(`${high} * ${1n << HALF_BITS} + ${low}`)
  }),
].join(', ')
