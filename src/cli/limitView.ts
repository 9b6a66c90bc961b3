import { formatDollars, parseDollars } from '../units/money.ts'
import type { DurationMs, EpochMs } from '../units/time.ts'
import { LIMIT_UNITS, type LimitUnit } from '../vocabulary/limit.ts'

/** A limit as gateways show it: money as decimal strings of dollars, counts as numbers. */
export interface LimitTold {
  readonly scope: string
  readonly unit: LimitUnit
  readonly window: unknown
  readonly amount: string | number
  readonly used: string | number
  readonly held: string | number
  readonly left: string | number
  /** RFC 3339. */
  readonly resetsAt: string | null
  /** Only of limits of a plan. */
  readonly plan?: string
  readonly part?: string
}

/** The limits of an answer; null when it is none of a gateway. */
export function readLimits(body: unknown): readonly LimitTold[] | null {
  const { limits } = (body ?? {}) as { limits?: unknown }
  return Array.isArray(limits) && limits.every(isLimit) ? limits : null
}

function isLimit(value: unknown): value is LimitTold {
  const { scope, unit, amount, used, held, left, resetsAt } = (value ?? {}) as Record<string, unknown>
  return (
    typeof scope === 'string' &&
    LIMIT_UNITS.some(known => known === unit) &&
    [amount, used, held, left].every(quantity => parseQuantity(quantity) !== null) &&
    (resetsAt === null || (typeof resetsAt === 'string' && !Number.isNaN(Date.parse(resetsAt))))
  )
}

/** Nano-dollars of a text, whole units of a number; null for anything else. */
export function parseQuantity(quantity: unknown): bigint | null {
  if (typeof quantity === 'string') return parseDollars(quantity)
  return Number.isSafeInteger(quantity) ? BigInt(quantity as number) : null
}

/** A window in words: `total`, `any 1m`, `5h from first use`, `calendar month in UTC`, `month from 2026-01-15`. */
export function windowWords(window: unknown): string {
  if (window === null || window === undefined) return 'now'
  if (typeof window === 'string') return window
  const { sliding, anchored, calendar, timezone = 'UTC', cycle, from } = window as Record<string, unknown>
  if (sliding !== undefined) return `any ${sliding}`
  if (anchored !== undefined) return `${anchored} from first use`
  if (calendar !== undefined) return `calendar ${calendar} in ${timezone}`
  return cycle === undefined ? JSON.stringify(window) : `${cycle} from ${from}`
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A length of time in at most two parts, `2h 14m`; rounded up, so that nobody comes too early. */
export function spanWords(span: DurationMs): string {
  if (span <= 59 * SECOND) return `${Math.max(1, Math.ceil(span / SECOND))}s`
  const minutes = Math.ceil(span / MINUTE)
  if (minutes < 60) return `${minutes}m`
  if (minutes < 24 * 60) return parts(Math.floor(minutes / 60), 'h', minutes % 60, 'm')
  const hours = Math.ceil(span / HOUR)
  return parts(Math.floor((hours * HOUR) / DAY), 'd', hours % 24, 'h')
}

function parts(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`
}

/** When room comes back, `in 2h 14m`; empty where it does not, or has. */
export function resetsWords({ resetsAt }: Pick<LimitTold, 'resetsAt'>, now: EpochMs): string {
  const resetsInMs = resetsAt === null ? 0 : Date.parse(resetsAt) - now
  return resetsInMs > 0 ? `in ${spanWords(resetsInMs)}` : ''
}

const CENT = 10_000_000n
const FINE = 100_000n

/**
 * Dollars as people read them, never more than there are: cents, or four decimals below ten cents.
 *
 * @param amount nano-dollars, from 0
 */
export function dollarWords(amount: bigint): string {
  if (amount > 0n && amount < FINE) return '<$0.0001'
  const step = amount < 10n * CENT ? FINE : CENT
  const [whole, fraction = ''] = formatDollars(amount - (amount % step)).split('.')
  return `$${whole}.${fraction.padEnd(2, '0')}`
}

const SCALES = [
  { from: 1_000_000_000n, unit: 'G' },
  { from: 1_000_000n, unit: 'M' },
  { from: 10_000n, per: 1_000n, unit: 'k' },
] as const

/** A count as people read it, never more than there are: `9999`, `12.3k`, `2M`. */
export function countWords(count: bigint): string {
  const scale = SCALES.find(({ from }) => count >= from)
  if (scale === undefined) return count.toString()
  const tenths = (count * 10n) / ('per' in scale ? scale.per : scale.from)
  return `${tenths / 10n}${tenths % 10n === 0n ? '' : `.${tenths % 10n}`}${scale.unit}`
}
