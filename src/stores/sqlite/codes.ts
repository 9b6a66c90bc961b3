import { type DialectName, ENDPOINTS } from '../../vocabulary/dialect.ts'
import { ATTEMPT_OUTCOMES, CALL_OUTCOMES } from '../../vocabulary/outcome.ts'
import { ROUTES } from '../../vocabulary/route.ts'
import type { SpillRecord } from '../../vocabulary/scheduling.ts'
import type { Usage } from '../../vocabulary/usage.ts'

/** Every dialect, in the order of their codes in the ledger: append only. */
export const DIALECTS: readonly DialectName[] = ['openai', 'anthropic']

/** Every source of a usage, in the order of their codes in the ledger: append only. */
export const USAGE_SOURCES: readonly Usage['source'][] = ['reported', 'estimated']

/** Every reason for a spill, in the order of their codes in the ledger: append only. */
export const SPILLS: readonly SpillRecord['why'][] = ['target', 'full']

/** The code of each value of a list: its place. A lookup of an object is several times quicker than a search. */
function codesOf(values: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(values.map((value, place) => [value, place]))
}

export const DIALECT_CODES = codesOf(DIALECTS)
export const ENDPOINT_CODES = codesOf(ENDPOINTS)
export const CALL_OUTCOME_CODES = codesOf(CALL_OUTCOMES)
export const ATTEMPT_OUTCOME_CODES = codesOf(ATTEMPT_OUTCOMES)
export const USAGE_SOURCE_CODES = codesOf(USAGE_SOURCES)
export const ROUTE_CODES = codesOf(ROUTES)
export const SPILL_CODES = codesOf(SPILLS)

/** Tables of texts that records name by a number, in the order of their codes in the ring. */
export const NAME_TABLES = [
  'models',
  'deployments',
  'callers',
  'rates',
  'circumstances',
  'contenders',
  'tiers',
] as const
export type NameTable = (typeof NAME_TABLES)[number]
export const TABLE = {
  models: 0,
  deployments: 1,
  callers: 2,
  rates: 3,
  circumstances: 4,
  contenders: 5,
  tiers: 6,
} as const satisfies Record<NameTable, number>

/** A caller without its run, as the table `callers` keeps it: JSON of key, team, user and tags. */
export type CallerIdentity = readonly [
  key: string,
  team: string | null,
  user: string | null,
  tags: Readonly<Record<string, string>>,
]

export function keyAccount(key: string): string {
  return `key:${key}`
}

export function deploymentAccount(deployment: string): string {
  return `deployment:${deployment}`
}
