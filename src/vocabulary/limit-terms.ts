import { parseDollars } from '../units/money.ts'
import { formatDuration, parseDuration } from '../units/time.ts'
import {
  type CalendarPeriod,
  EACH_OF,
  LIMIT_UNITS,
  type LimitTerms,
  type LimitUnit,
  MAX_QUANTITY,
  type OnReached,
  type Quantity,
  type Scope,
  scopeText,
  showQuantity,
  type Window,
  type WindowForm,
} from './limit.ts'
import { isKeyName, isLabel, isShortName, KEY_NAME_RULE, LABEL_RULE, SHORT_NAME_RULE } from './names.ts'

/** What was read, or a sentence that says what was expected. */
export type Reading<T> = { readonly value: T } | { readonly fault: string }

/** One thing that is wrong with a limit as it was written. */
export interface LimitFault {
  readonly field: string
  readonly sentence: string
}

/** Shorter windows and waits than this would ask more of the clock than it can tell. */
const MIN_LENGTH_MS = 100
/** Longer than any contract: ten years. */
const MAX_LENGTH_MS = 3_653 * 86_400_000
const MAX_WAIT_MS = 86_400_000

const SCOPES =
  'organisation, team:N, user:N, key:N, tag:K=V, run:ID, model:N, upstream:N, or each: of team, user, key, run'
const WINDOWS =
  "'total', { sliding: D }, { anchored: D }, { calendar: day|week|month, timezone }, or { cycle: month, from: YYYY-MM-DD }"

const NAME_RULES: Readonly<Record<string, readonly [test: (text: string) => boolean, rule: string]>> = {
  team: [isLabel, LABEL_RULE],
  user: [isLabel, LABEL_RULE],
  run: [isLabel, LABEL_RULE],
  model: [isLabel, LABEL_RULE],
  key: [isKeyName, KEY_NAME_RULE],
  upstream: [isShortName, SHORT_NAME_RULE],
}

export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

export function isOneOf<T extends string>(list: readonly T[], value: unknown): value is T {
  return (list as readonly unknown[]).includes(value)
}

export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null
}

/** Reads `team:search`, `tag:project=atlas`, `each:key`. */
export function parseScope(value: unknown): Reading<Scope> {
  const fault = { fault: `expected ${SCOPES}; got ${quote(value)}` }
  if (value === 'organisation') return { value: { kind: 'organisation' } }
  if (typeof value !== 'string') return fault
  const colon = value.indexOf(':')
  if (colon < 0) return fault
  const kind = value.slice(0, colon)
  const name = value.slice(colon + 1)
  if (kind === 'each') {
    return isOneOf(EACH_OF, name) ? { value: { kind, of: name } } : { fault: `expected each: of ${EACH_OF.join(', ')}` }
  }
  if (kind === 'tag') {
    const equals = name.indexOf('=')
    const [tag, content] = [name.slice(0, Math.max(0, equals)), name.slice(equals + 1)]
    if (equals < 0 || !isShortName(tag)) return { fault: `expected tag:K=V with K of ${SHORT_NAME_RULE}` }
    return isLabel(content)
      ? { value: { kind, name: tag, value: content } }
      : { fault: `expected tag:K=V with V of ${LABEL_RULE}` }
  }
  const rule = Object.hasOwn(NAME_RULES, kind) ? NAME_RULES[kind] : undefined
  if (rule === undefined) return fault
  if (!rule[0](name)) return { fault: `expected ${kind}: and a name of ${rule[1]}; got ${quote(value)}` }
  return { value: { kind: kind as 'team', name } }
}

export function parseUnit(value: unknown): Reading<LimitUnit> {
  return isOneOf(LIMIT_UNITS, value)
    ? { value }
    : { fault: `expected one of ${LIMIT_UNITS.join(', ')}; got ${quote(value)}` }
}

/** @param unit null when it is unknown too: then an amount of any unit will do */
export function parseAmount(value: unknown, unit: LimitUnit | null): Reading<Quantity> {
  if (typeof value === 'string' && unit !== null && unit !== 'dollars') {
    return { fault: `expected a whole number of ${unit}; got the text ${quote(value)}` }
  }
  if (typeof value === 'string') {
    const dollars = parseDollars(value)
    if (dollars !== null && dollars >= 0n && dollars <= BigInt(MAX_QUANTITY)) return { value: Number(dollars) }
    return { fault: `expected dollars such as "12.50", from 0 to 9000000 with at most 9 decimals; got ${quote(value)}` }
  }
  if (unit === 'dollars') {
    return { fault: `expected dollars as a text such as "12.50", so that no decimal is lost; got ${quote(value)}` }
  }
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MAX_QUANTITY) return { value }
  return { fault: `expected a whole number from 0 to ${MAX_QUANTITY}; got ${quote(value)}` }
}

function parseLength(kind: 'sliding' | 'anchored', value: unknown): Reading<Window> {
  const lengthMs = typeof value === 'string' ? parseDuration(value) : null
  if (lengthMs === null || lengthMs < MIN_LENGTH_MS || lengthMs > MAX_LENGTH_MS) {
    return { fault: `expected ${kind} to be a duration from 100ms to 3653d, such as 5h; got ${quote(value)}` }
  }
  const text = value as string
  return { value: { kind, lengthMs, form: kind === 'sliding' ? { sliding: text } : { anchored: text } } }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

function parseCalendar(period: unknown, timezone: unknown): Reading<Window> {
  if (!isOneOf<CalendarPeriod>(['day', 'week', 'month'], period)) {
    return { fault: `expected calendar to be day, week or month; got ${quote(period)}` }
  }
  if (timezone === undefined) {
    return { value: { kind: 'calendar', period, timezone: 'UTC', form: { calendar: period } } }
  }
  if (typeof timezone !== 'string' || !isTimeZone(timezone)) {
    return { fault: `expected timezone to be a name such as Europe/Berlin; got ${quote(timezone)}` }
  }
  return { value: { kind: 'calendar', period, timezone, form: { calendar: period, timezone } } }
}

function parseCycle(cycle: unknown, from: unknown): Reading<Window> {
  if (cycle !== 'month') return { fault: `expected cycle to be month; got ${quote(cycle)}` }
  const at = typeof from === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(from) ? Date.parse(`${from}T00:00:00Z`) : Number.NaN
  // The 31st of April is read as the 1st of May by the clock; no date that changes when it is written back is one.
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== from) {
    return { fault: `expected from to be a date such as 2026-01-15; got ${quote(from)}` }
  }
  return { value: { kind: 'cycle', from: at, form: { cycle, from: from as string } } }
}

/** @param unit concurrency needs no window, and can have no other than `total` */
export function parseWindow(value: unknown, unit: LimitUnit | null): Reading<Window> {
  if (unit === 'concurrency') {
    return value === undefined || value === null || value === 'total'
      ? { value: { kind: 'total', form: null } }
      : { fault: `expected no window, since concurrency counts what runs now; got ${quote(value)}` }
  }
  if (value === 'total') return { value: { kind: 'total', form: value } }
  const fields = fieldsOf(value)
  const names = fields === null ? '' : Object.keys(fields).sort().join()
  switch (names) {
    case 'sliding':
    case 'anchored':
      return parseLength(names, fields![names])
    case 'calendar':
    case 'calendar,timezone':
      return parseCalendar(fields!.calendar, fields!.timezone)
    case 'cycle,from':
      return parseCycle(fields!.cycle, fields!.from)
    default:
      return { fault: `expected ${WINDOWS}; got ${quote(value)}` }
  }
}

/** `wait` stands beside `onReached: queue` in the limit. */
export function parseOnReached(value: unknown, wait: unknown): Reading<OnReached> {
  if (value === 'queue') {
    const waitMs = typeof wait === 'string' ? parseDuration(wait) : null
    return waitMs !== null && waitMs > 0 && waitMs <= MAX_WAIT_MS
      ? { value: { kind: 'queue', waitMs } }
      : { fault: `expected queue to have wait beside it, a duration up to 1d such as 30s; got ${quote(wait)}` }
  }
  const reading = parseAtOnce(value)
  return 'value' in reading && wait !== undefined ? { fault: 'expected wait only beside onReached: queue' } : reading
}

function parseAtOnce(value: unknown): Reading<OnReached> {
  if (value === undefined || value === 'stop') return { value: { kind: 'stop' } }
  if (value === 'warn') return { value: { kind: 'warn' } }
  const fields = fieldsOf(value)
  if (fields !== null && Object.keys(fields).join() === 'downgrade') {
    const { downgrade } = fields
    if (typeof downgrade === 'string' && isLabel(downgrade)) return { value: { kind: 'downgrade', model: downgrade } }
  }
  return { fault: `expected stop, warn, queue, or { downgrade: MODEL }; got ${quote(value)}` }
}

/** Which of the two is at fault where they do not go together. */
function atFault(onReached: unknown): 'wait' | 'onReached' {
  return onReached === 'queue' || 'value' in parseAtOnce(onReached) ? 'wait' : 'onReached'
}

/** The fields that a limit may have. */
export const LIMIT_FIELDS: readonly string[] = ['scope', 'unit', 'amount', 'window', 'onReached', 'wait']

/**
 * Reads a limit as configuration and admin API write it, and tells all its faults at once.
 *
 * @param value `{ scope, unit, amount, window, onReached?, wait? }`
 */
export function readLimitTerms(
  value: unknown,
): { readonly terms: LimitTerms } | { readonly faults: readonly LimitFault[] } {
  const fields = fieldsOf(value)
  if (fields === null) return { faults: [{ field: '', sentence: `expected a limit; got ${quote(value)}` }] }
  const faults: LimitFault[] = []
  function take<T>(field: string, reading: Reading<T>): T | null {
    if ('value' in reading) return reading.value
    faults.push({ field, sentence: reading.fault })
    return null
  }
  const scope = take('scope', parseScope(fields.scope))
  const unit = take('unit', parseUnit(fields.unit))
  const amount = take('amount', parseAmount(fields.amount, unit))
  const window = take('window', parseWindow(fields.window, unit))
  const onReached = take(atFault(fields.onReached), parseOnReached(fields.onReached, fields.wait))
  for (const field of Object.keys(fields)) {
    if (!LIMIT_FIELDS.includes(field))
      faults.push({ field, sentence: `unknown; expected one of ${LIMIT_FIELDS.join(', ')}` })
  }
  if (scope === null || unit === null || amount === null || window === null || onReached === null) return { faults }
  return faults.length > 0 ? { faults } : { terms: { scope, unit, amount, window, onReached } }
}

/** A limit as configuration and admin API write it. */
export interface LimitForm {
  readonly scope: string
  readonly unit: LimitUnit
  /** Dollars as a decimal string, all else as a number. */
  readonly amount: string | number
  /** Absent for concurrency. */
  readonly window?: WindowForm
  readonly onReached: 'stop' | 'warn' | 'queue' | { readonly downgrade: string }
  /** Beside `onReached: queue` only. */
  readonly wait?: string
}

/**
 * Writes a limit such that `readLimitTerms` reads the same terms.
 *
 * @throws RangeError for what a plan includes, which is written with its plan
 */
export function writeLimitTerms({ scope, unit, amount, window, onReached }: LimitTerms): LimitForm {
  if (onReached.kind === 'overflow') throw new RangeError('a limit that overflows is written with its plan')
  return {
    scope: scopeText(scope),
    unit,
    amount: showQuantity(unit, amount),
    ...(window.form === null ? {} : { window: window.form }),
    onReached: onReached.kind === 'downgrade' ? { downgrade: onReached.model } : onReached.kind,
    ...(onReached.kind === 'queue' ? { wait: formatDuration(onReached.waitMs) } : {}),
  }
}
