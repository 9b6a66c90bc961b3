import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { AccountBalance, UsageDimension, UsageQuery, UsageReport, UsageSums } from '../../ports/ledger.ts'
import type { EpochMs } from '../../units/time.ts'
import { smallestIdAt } from './callId.ts'
import type { CallerIdentity } from './codes.ts'
import { COUNT_COLUMNS, HALF_BITS, HALF_COLUMNS, HALF_SUMS_OF_CALLS, HALF_SUMS_OF_ROLLUPS } from './sums.ts'

/** Rows of one report, at most. */
export const MAX_USAGE_ROWS = 100_000
const DAY_MS = 86_400_000
const TAG = 'tag:'

type Row = Record<string, SQLOutputValue>

/** Sums as they are gathered: requests both ways of counting, the rest in bigint, since nano-dollars pass 2^53. */
interface Gathered {
  calls: bigint
  tookPart: bigint
  input: bigint
  cached: bigint
  output: bigint
  dollars: bigint
  wasted: bigint
  unrated: bigint
}

interface Group {
  readonly values: readonly (string | null)[]
  readonly sums: Gathered
}

/** Columns of ids by which SQLite must group for these dimensions; the rest is added up here, by name. */
function idColumns(by: readonly UsageDimension[]): readonly string[] {
  const columns: string[] = []
  if (by.some(dimension => dimension !== 'model' && dimension !== 'deployment')) columns.push('caller')
  if (by.includes('model')) columns.push('model')
  if (by.includes('deployment')) columns.push('deployment')
  return columns
}

/**
 * Plain SQL: the columns to group by are the only part that varies, and the thread that runs it has a driver that
 * answers at once, which a query builder would wrap into promises for nothing.
 */
function usageSql(columns: readonly string[]): string {
  const live = { caller: 'c.caller', model: 'c.model', deployment: 'coalesce(a.deployment, 0)' } as Record<
    string,
    string
  >
  const selected = columns.map(column => `${live[column]} AS ${column}, `).join('')
  const grouped = columns.length === 0 ? '' : `GROUP BY ${columns.map((_, place) => place + 1).join(', ')}`
  return `
    WITH gathered (${[...columns, ...COUNT_COLUMNS, ...HALF_COLUMNS].join(', ')}) AS (
      SELECT * FROM (
        SELECT ${selected} ${HALF_SUMS_OF_CALLS}
        FROM calls c LEFT JOIN attempts a ON a.call = c.id
        WHERE c.id >= ? AND c.id < ? ${grouped})
      UNION ALL
      SELECT * FROM (
        SELECT ${columns.map(column => `${column}, `).join('')} ${HALF_SUMS_OF_ROLLUPS} FROM rollups WHERE day >= ? AND day < ? ${grouped})
    )
    SELECT * FROM gathered WHERE calls IS NOT NULL`
}

/**
 * Adds up calls by the time that their ids carry. Of days that retention has rolled up, those count that begin within
 * the bounds, so there the bounds are exact when they are whole UTC days.
 *
 * @throws RangeError when the report would have more than MAX_USAGE_ROWS rows
 */
export function usageIn(db: DatabaseSync, query: UsageQuery): UsageReport {
  const columns = idColumns(query.by)
  const statement = db.prepare(usageSql(columns), { readBigInts: true })
  const names = namesFor(db, columns)
  const groups = new Map<string, Group>()
  const totals = nothing()
  for (const row of statement.iterate(...bounds(query.since, query.until))) {
    const values = query.by.map(dimension => names(dimension, row))
    const name = JSON.stringify(values)
    let group = groups.get(name)
    if (group === undefined) {
      if (groups.size >= MAX_USAGE_ROWS) {
        throw new RangeError(`usage: more than ${MAX_USAGE_ROWS} rows; ask for fewer dimensions or a shorter time`)
      }
      group = { values, sums: nothing() }
      groups.set(name, group)
    }
    add(group.sums, row)
    add(totals, row)
  }
  const byDeployment = query.by.includes('deployment')
  const rows = [...groups.values()]
    .filter(group => hasCalls(group.sums))
    .sort((a, b) => compareValues(a.values, b.values))
    .map(({ values, sums }) => ({
      group: Object.fromEntries(query.by.map((dimension, place) => [dimension, values[place]!])),
      ...toSums(sums, byDeployment),
    }))
  return { rows, totals: toSums(totals, false) }
}

/** Balances of all accounts, by name. */
export function balancesIn(db: DatabaseSync): readonly AccountBalance[] {
  const statement = db.prepare('SELECT name, balance FROM accounts ORDER BY name', { readBigInts: true })
  return statement.all().map(row => ({ account: String(row.name), nanoDollars: row.balance as bigint }))
}

function bounds(since: EpochMs | undefined, until: EpochMs | undefined): readonly [bigint, bigint, number, number] {
  return [
    since === undefined ? 0n : smallestIdAt(since),
    smallestIdAt(until ?? Number.POSITIVE_INFINITY),
    since === undefined ? 0 : Math.ceil(since / DAY_MS),
    until === undefined ? Number.MAX_SAFE_INTEGER : Math.ceil(until / DAY_MS),
  ]
}

/** Finds the value of a dimension for a row of ids. */
function namesFor(
  db: DatabaseSync,
  columns: readonly string[],
): (dimension: UsageDimension, row: Row) => string | null {
  const table = (name: string) =>
    new Map(
      db
        .prepare(`SELECT id, text FROM ${name}`, { readBigInts: true })
        .all()
        .map(row => [row.id, String(row.text)]),
    )
  const models = columns.includes('model') ? table('models') : new Map<SQLOutputValue, string>()
  const deployments = columns.includes('deployment') ? table('deployments') : new Map<SQLOutputValue, string>()
  const findCaller = db.prepare('SELECT text FROM callers WHERE id = ?')
  const parsed = { id: null as SQLOutputValue | undefined, identity: null as CallerIdentity | null }
  const caller = (id: SQLOutputValue): CallerIdentity => {
    // Rows come grouped, and one row is asked for several dimensions.
    if (parsed.identity === null || parsed.id !== id) {
      parsed.id = id
      parsed.identity = JSON.parse(String(findCaller.get(id)!.text)) as CallerIdentity
    }
    return parsed.identity
  }
  return (dimension, row) => {
    if (dimension === 'model') return models.get(row.model!) ?? null
    if (dimension === 'deployment') return deployments.get(row.deployment!) ?? null
    const [key, team, user, tags] = caller(row.caller!)
    if (dimension === 'key') return key
    if (dimension === 'team') return team
    if (dimension === 'user') return user
    const tag = dimension.slice(TAG.length)
    return Object.hasOwn(tags, tag) ? tags[tag]! : null
  }
}

function nothing(): Gathered {
  return { calls: 0n, tookPart: 0n, input: 0n, cached: 0n, output: 0n, dollars: 0n, wasted: 0n, unrated: 0n }
}

function hasCalls(sums: Gathered): boolean {
  return sums.calls > 0n || sums.tookPart > 0n
}

/** Sums have no end in bigint, so usage is exact however much 64 bits hold. */
function amount(high: SQLOutputValue | undefined, low: SQLOutputValue | undefined): bigint {
  return ((high as bigint) << HALF_BITS) + (low as bigint)
}

function add(sums: Gathered, row: Row): void {
  sums.calls += row.calls as bigint
  sums.tookPart += row.took_part as bigint
  sums.input += amount(row.input_high, row.input_low)
  sums.cached += amount(row.cached_high, row.cached_low)
  sums.output += amount(row.output_high, row.output_low)
  sums.dollars += amount(row.dollars_high, row.dollars_low)
  sums.wasted += amount(row.wasted_high, row.wasted_low)
  sums.unrated += row.unrated as bigint
}

function toSums(sums: Gathered, byDeployment: boolean): UsageSums {
  return {
    requests: Number(byDeployment ? sums.tookPart : sums.calls),
    inputTokens: Number(sums.input),
    cachedInputTokens: Number(sums.cached),
    outputTokens: Number(sums.output),
    dollars: sums.dollars,
    wastedDollars: sums.wasted,
    unratedAttempts: Number(sums.unrated),
  }
}

/** Absent values first, then by code unit, so that every store gives the same order whatever its collation. */
function compareValues(a: readonly (string | null)[], b: readonly (string | null)[]): number {
  for (let place = 0; place < a.length; place++) {
    const left = a[place]!
    const right = b[place]!
    if (left === right) continue
    if (left === null) return -1
    if (right === null) return 1
    return left < right ? -1 : 1
  }
  return 0
}
