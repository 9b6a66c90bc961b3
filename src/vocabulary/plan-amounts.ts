import type { EpochMs } from '../units/time.ts'
import { LIMIT_UNITS, type LimitUnit, MAX_QUANTITY, type Quantity } from './limit.ts'
import { fieldsOf, isOneOf, parseAmount, quote, type Reading } from './limit-terms.ts'
import { isLabel, isShortName, LABEL_RULE, SHORT_NAME_RULE } from './names.ts'
import type { Seats } from './plan.ts'
import { BURN_PARTS, type BurnPart, type BurnRates, type Thousandths, WHOLE } from './plan-burn.ts'
import { DEFAULT_PRIORITY, GRANT_KINDS, type Grant, MAX_PRIORITY } from './plan-grant.ts'

/** One thing that is wrong with a plan as it was written, and where: `['included', 0, 'scope']`. */
export interface PlanFault {
  readonly path: readonly (string | number)[]
  readonly sentence: string
}

/** Of one limit: more than anybody keeps apart. */
export const MAX_GRANTS = 1_000
const MAX_SEATS = 1_000_000
/** A token that burns a thousand is no token any more. */
const MAX_WEIGHT: Thousandths = 1_000_000
const TOKEN_UNITS: readonly LimitUnit[] = ['tokens', 'inputTokens', 'outputTokens']
const GRANT_FIELDS = ['id', 'amount', 'priority', 'createdAt', 'expiresAt', 'kind']
const SEAT_FIELDS = ['kind', 'count', 'each']

/** Gathers what is wrong, and where. */
export class Faults {
  readonly all: PlanFault[] = []

  /** @returns null, after keeping what is wrong */
  take<T>(path: PlanFault['path'], reading: Reading<T>): T | null {
    if ('value' in reading) return reading.value
    this.add(path, reading.fault)
    return null
  }

  add(path: PlanFault['path'], sentence: string): null {
    this.all.push({ path, sentence })
    return null
  }

  unknown(path: PlanFault['path'], fields: Readonly<Record<string, unknown>>, known: readonly string[]): void {
    for (const field of Object.keys(fields)) {
      if (!known.includes(field)) this.add([...path, field], `unknown; expected one of ${known.join(', ')}`)
    }
  }

  /** The entries of a list that is not empty, each with its path. */
  *entries(path: PlanFault['path'], value: unknown, what: string): Generator<readonly [PlanFault['path'], unknown]> {
    if (!Array.isArray(value) || value.length === 0) this.add(path, `expected a list of ${what}; got ${quote(value)}`)
    else for (const [i, entry] of value.entries()) yield [[...path, i], entry]
  }
}

/** Reads a moment: a date such as 2026-10-01, its midnight in UTC, or RFC 3339. */
function parseMoment(value: unknown): Reading<EpochMs> {
  const isMoment =
    typeof value === 'string' && /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2}))?$/.test(value)
  const at = isMoment ? Date.parse(value.length === 10 ? `${value}T00:00:00Z` : value) : Number.NaN
  // The clock reads the 31st of April as the 1st of May.
  const isDay = isMoment && new Date(`${value.slice(0, 10)}T00:00:00Z`).toJSON()?.slice(0, 10) === value.slice(0, 10)
  return isDay && !Number.isNaN(at)
    ? { value: at }
    : { fault: `expected a date such as 2026-10-01 or a time such as 2026-10-01T12:00:00Z; got ${quote(value)}` }
}

function parseWhole(value: unknown, most: number): Reading<number> {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
    ? { value }
    : { fault: `expected a whole number from 0 to ${most}; got ${quote(value)}` }
}

/** Reads a decimal of at most three places: a text such as "1.25", or a whole number. */
function parseThousandths(value: unknown): Reading<Thousandths> {
  const text = typeof value === 'number' && Number.isInteger(value) ? String(value) : value
  const found = typeof text === 'string' ? /^(\d{1,4})(?:\.(\d{1,3}))?$/.exec(text) : null
  const thousandths = found ? Number(found[1]) * WHOLE + Number((found[2] ?? '').padEnd(3, '0')) : Number.NaN
  return thousandths <= MAX_WEIGHT
    ? { value: thousandths }
    : { fault: `expected a text such as "1.25", from 0 to 1000 with at most 3 decimals; got ${quote(value)}` }
}

/** Reads `[{ kind: business, count: 10, each: "19.00" }]`. */
export function readSeats(
  faults: Faults,
  path: PlanFault['path'],
  { value, unit }: { readonly value: unknown; readonly unit: LimitUnit | null },
): { readonly seats: readonly Seats[]; readonly amount: Quantity } | null {
  const seats: Seats[] = []
  for (const [at, entry] of faults.entries(path, value, 'seats such as { kind: business, count: 10, each: "19.00" }')) {
    const fields = fieldsOf(entry)
    if (fields === null) faults.add(at, `expected seats; got ${quote(entry)}`)
    if (fields === null) continue
    faults.unknown(at, fields, SEAT_FIELDS)
    const kind = isNamed(fields.kind) ? fields.kind : faults.add([...at, 'kind'], `expected ${LABEL_RULE}`)
    if (kind !== null && seats.some(other => other.kind === kind)) faults.add([...at, 'kind'], 'stands twice')
    const count = faults.take([...at, 'count'], parseWhole(fields.count, MAX_SEATS))
    const each = faults.take([...at, 'each'], parseAmount(fields.each, unit))
    if (kind !== null && count !== null && each !== null) seats.push({ kind, count, each })
  }
  const amount = seats.reduce((sum, { count, each }) => sum + BigInt(count) * BigInt(each), 0n)
  if (amount > MAX_QUANTITY) return faults.add(path, 'expected no more together than a limit can hold')
  return { seats, amount: Number(amount) }
}

function isNamed(value: unknown): value is string {
  return typeof value === 'string' && isLabel(value)
}

/** Reads grants, in the order in which they stand. */
export function readGrants(
  faults: Faults,
  path: PlanFault['path'],
  { value, unit }: { readonly value: unknown; readonly unit: LimitUnit | null },
): { readonly grants: readonly Grant[]; readonly amount: Quantity } | null {
  const grants: Grant[] = []
  for (const [at, entry] of faults.entries(path, value, 'grants such as { id: october, amount: "30", createdAt: D }')) {
    const grant = readGrant(faults, at, { value: entry, unit })
    if (grant === null) continue
    if (grants.some(({ id }) => id === grant.id)) faults.add([...at, 'id'], 'stands twice')
    grants.push(grant)
  }
  if (grants.length > MAX_GRANTS) return faults.add(path, `expected at most ${MAX_GRANTS} grants`)
  const amount = grants.reduce((sum, grant) => sum + BigInt(grant.amount), 0n)
  if (amount > MAX_QUANTITY) return faults.add(path, 'expected no more together than a limit can hold')
  return { grants, amount: Number(amount) }
}

/** Reads one grant: `{ id, amount, createdAt, expiresAt?, priority?, kind? }`. */
export function readGrant(
  faults: Faults,
  path: PlanFault['path'],
  { value, unit }: { readonly value: unknown; readonly unit: LimitUnit | null },
): Grant | null {
  const fields = fieldsOf(value)
  if (fields === null) return faults.add(path, `expected a grant; got ${quote(value)}`)
  faults.unknown(path, fields, GRANT_FIELDS)
  const { id: name, priority: rank = DEFAULT_PRIORITY, expiresAt: end = null, kind: sort = 'prepaid' } = fields
  const isId = typeof name === 'string' && isShortName(name)
  const id = isId ? name : faults.add([...path, 'id'], `expected ${SHORT_NAME_RULE}; got ${quote(name)}`)
  const amount = faults.take([...path, 'amount'], parseAmount(fields.amount, unit))
  const priority = faults.take([...path, 'priority'], parseWhole(rank, MAX_PRIORITY))
  const createdAt = faults.take([...path, 'createdAt'], parseMoment(fields.createdAt))
  const expiresAt = end === null ? null : faults.take([...path, 'expiresAt'], parseMoment(end))
  if (createdAt !== null && expiresAt !== null && expiresAt <= createdAt) {
    faults.add([...path, 'expiresAt'], 'expected a time after createdAt')
  }
  const kind = isOneOf(GRANT_KINDS, sort)
    ? sort
    : faults.add([...path, 'kind'], `expected one of ${GRANT_KINDS.join(', ')}; got ${quote(sort)}`)
  if (id === null || amount === null || priority === null || createdAt === null || kind === null) return null
  return { id, amount, priority, createdAt, expiresAt, kind }
}

/** Reads `weights` and `multipliers`; undefined where neither is given. */
export function readBurn(
  faults: Faults,
  path: PlanFault['path'],
  {
    weights,
    multipliers,
    unit,
  }: { readonly weights: unknown; readonly multipliers: unknown; readonly unit: LimitUnit | null },
): BurnRates | undefined {
  if (weights === undefined && multipliers === undefined) return undefined
  if (unit !== null && !TOKEN_UNITS.includes(unit)) {
    const field = weights === undefined ? 'multipliers' : 'weights'
    faults.add([...path, field], `expected only beside ${TOKEN_UNITS.join(', ')}, of ${LIMIT_UNITS.join(', ')}`)
  }
  return {
    weights: readWeights(faults, [...path, 'weights'], weights ?? {}),
    multipliers: readMultipliers(faults, [...path, 'multipliers'], multipliers ?? {}),
  }
}

function readWeights(faults: Faults, path: PlanFault['path'], value: unknown): BurnRates['weights'] {
  const fields = fieldsOf(value)
  const weights: Record<BurnPart, Thousandths> = {
    input: WHOLE,
    cachedInput: WHOLE,
    cacheWrite5m: WHOLE,
    cacheWrite1h: WHOLE,
    output: WHOLE,
  }
  if (fields === null) {
    faults.add(path, `expected weights of ${BURN_PARTS.join(', ')}; got ${quote(value)}`)
    return weights
  }
  faults.unknown(path, fields, BURN_PARTS)
  for (const part of BURN_PARTS) {
    if (fields[part] === undefined) continue
    weights[part] = faults.take([...path, part], parseThousandths(fields[part])) ?? WHOLE
  }
  return weights
}

function readMultipliers(faults: Faults, path: PlanFault['path'], value: unknown): BurnRates['multipliers'] {
  const circumstances = fieldsOf(value)
  const expected = 'expected multipliers such as { inferenceGeo: { us: "1.1" } }'
  if (circumstances === null) faults.add(path, `${expected}; got ${quote(value)}`)
  const multipliers: Record<string, Readonly<Record<string, Thousandths>>> = {}
  for (const [circumstance, values] of Object.entries(circumstances ?? {})) {
    const at = [...path, circumstance]
    const table = fieldsOf(values)
    if (table === null || !isShortName(circumstance)) {
      faults.add(at, `${expected}; got ${quote(values)}`)
      continue
    }
    const read = Object.entries(table).map(
      ([name, factor]) => [name, faults.take([...at, name], parseThousandths(factor)) ?? WHOLE] as const,
    )
    multipliers[circumstance] = Object.fromEntries(read)
  }
  return multipliers
}
