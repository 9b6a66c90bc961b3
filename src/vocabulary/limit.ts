import { formatDollars } from '../units/money.ts'
import { type DurationMs, type EpochMs, formatTime } from '../units/time.ts'
import type { BurnRates } from './plan-burn.ts'
import type { Grant } from './plan-grant.ts'

/** What a limit counts, in the order of their codes: append only. */
export const LIMIT_UNITS = ['dollars', 'tokens', 'inputTokens', 'outputTokens', 'requests', 'concurrency'] as const
export type LimitUnit = (typeof LIMIT_UNITS)[number]

/**
 * A whole number of what a limit counts: nano-dollars for dollars, else tokens, requests or calls at once. A number and
 * not a bigint, since no limit counts further than `MAX_QUANTITY`, below which every sum of two is exact.
 */
export type Quantity = number

/** 9,000,000 dollars in nano-dollars, and as many tokens or requests: below 2^53. */
export const MAX_QUANTITY: Quantity = 9_000_000_000_000_000

/** Whose each member an `each:` limit counts apart. */
export const EACH_OF = ['team', 'user', 'key', 'run'] as const
export type EachOf = (typeof EACH_OF)[number]

/** Whom a limit binds. */
export type Scope =
  | { readonly kind: 'organisation' }
  /** `plan` is the pool of all subscribers of a plan; only limits of that plan have it. */
  | { readonly kind: 'team' | 'user' | 'key' | 'run' | 'model' | 'upstream' | 'plan'; readonly name: string }
  | { readonly kind: 'tag'; readonly name: string; readonly value: string }
  | { readonly kind: 'each'; readonly of: EachOf }

export type CalendarPeriod = 'day' | 'week' | 'month'

/** A window as configuration and admin API write it. */
export type WindowForm =
  | 'total'
  | { readonly sliding: string }
  | { readonly anchored: string }
  | { readonly calendar: CalendarPeriod; readonly timezone?: string }
  | { readonly cycle: 'month'; readonly from: string }

/** Over which stretch of time a limit counts. `form` is how it was written; null where concurrency has none. */
export type Window =
  | { readonly kind: 'total'; readonly form: WindowForm | null }
  | { readonly kind: 'sliding'; readonly lengthMs: DurationMs; readonly form: WindowForm }
  | { readonly kind: 'anchored'; readonly lengthMs: DurationMs; readonly form: WindowForm }
  | {
      readonly kind: 'calendar'
      readonly period: CalendarPeriod
      readonly timezone: string
      readonly form: WindowForm
    }
  | { readonly kind: 'cycle'; readonly from: EpochMs; readonly form: WindowForm }

/** What happens to a call for which a limit has no room. */
export type OnReached =
  | { readonly kind: 'stop' }
  | { readonly kind: 'warn' }
  | { readonly kind: 'queue'; readonly waitMs: DurationMs }
  | { readonly kind: 'downgrade'; readonly model: string }
  /** The call goes to the overflow limits of its plan; only limits of what a plan includes have it. */
  | { readonly kind: 'overflow' }

/** What a limit is to its plan: a hard one that always binds, a part of the allowance, or what binds beyond it. */
export type PlanPart = 'limits' | 'included' | 'overflow'

/** A limit's place in a plan: it binds none but the plan's subscribers. */
export interface Membership {
  readonly plan: string
  readonly part: PlanPart
  /** Texts of scopes: `team:search`. A caller who is in one of them is a subscriber. */
  readonly subscribers: readonly string[]
  /** Texts of scopes whose callers it does not bind, since something else is said of them. */
  readonly except: readonly string[]
  /** It binds only calls of these models; null for all. */
  readonly models: readonly string[] | null
}

/** What a limit says: whom it binds, what it counts, how much of it, over which time, and what then. */
export interface LimitTerms {
  readonly scope: Scope
  readonly unit: LimitUnit
  readonly amount: Quantity
  readonly window: Window
  readonly onReached: OnReached
  /** Whole percent of the budget that a run brings along, instead of the amount; runs without a budget are not bound. */
  readonly percentOfBudget?: number
  /** Absent for a limit of its own. */
  readonly membership?: Membership
  /** How fast tokens burn it; absent where each counts once. */
  readonly burn?: BurnRates
  /** What the amount is made of; absent for a plain amount. */
  readonly grants?: readonly Grant[]
  /** A smaller amount counts from the next period only, as with seats that were paid for until then. */
  readonly lowersNextPeriod?: boolean
}

export interface Limit extends LimitTerms {
  readonly id: string
  /** A limit counts from then on. */
  readonly createdAt: EpochMs
  /** Declared in the configuration, therefore not to be changed by the admin API. */
  readonly readOnly: boolean
}

/** How much of a limit is taken, as its callers see it. */
export interface LimitView {
  /** Id of the limit; null for the budget of a run and the cap of a call. */
  readonly limit: string | null
  /** Of the member, where the limit is an `each:` one: `key:ci`. */
  readonly scope: string
  readonly unit: LimitUnit
  readonly window: WindowForm | null
  readonly amount: Quantity
  readonly used: Quantity
  readonly held: Quantity
  /** Amount less used and held, never below zero. */
  readonly left: Quantity
  /** When room comes back; null for a total, concurrency, and a window that is closed or empty. */
  readonly resetsAt: EpochMs | null
  /** The plan that it is of; null or absent for none. */
  readonly plan?: string | null
  /** What it is to that plan. */
  readonly part?: PlanPart
  /** When the next of its credits expire, what is unused of them being lost; absent where none do. */
  readonly expiresAt?: EpochMs
}

/** Why a call may not start: the limit with the least headroom, and when it may. */
export interface LimitRefusal extends LimitView {
  readonly kind: 'refuse'
  /** `rate` for sliding windows and concurrency, `quota` for all others, `price` when no price is known. */
  readonly cause: 'rate' | 'quota' | 'price'
  /** What this call needs of it; null when no price is known. */
  readonly need: Quantity | null
  /** Until the named limit has room for this call; null when nobody knows or it never will. */
  readonly retryAfterMs: DurationMs | null
  /** Whether repeating the call within a minute may help, with regard to all limits without room. */
  readonly shouldRetry: boolean
  /** The call would not even fit if nothing were taken. */
  readonly exceedsWhole: boolean
}

/** What is kept of one member of a limit: plain data, absolute, so that keeping it twice is keeping it once. */
export interface Balance {
  /** Id of the limit; null for the budget of a run. */
  readonly limit: string | null
  /**
   * Which member of an `each:` limit or which run; empty for a limit that has but one. What was drawn of a grant is a
   * balance of its own: the member, a line feed, the grant's id.
   */
  readonly member: string
  /** Fixed by the run's first call; null where the limit says it. */
  readonly budget: Quantity | null
  readonly used: Quantity
  /** Since when the window is open; of a total, when it was used last. */
  readonly opensAt: EpochMs
  /** From then on the balance says nothing any more; null for never. */
  readonly endsAt: EpochMs | null
  /** Of sliding windows: moments, each with what was used then. */
  readonly uses: readonly number[] | null
}

/** A balance with the number of the last use that it covers. */
export interface CoveringBalance {
  readonly balance: Balance
  readonly asOf: number
}

export function scopeText(scope: Scope): string {
  switch (scope.kind) {
    case 'organisation':
      return 'organisation'
    case 'tag':
      return `tag:${scope.name}=${scope.value}`
    case 'each':
      return `each:${scope.of}`
    default:
      return `${scope.kind}:${scope.name}`
  }
}

/** A quantity as JSON shows it: money as a decimal string of dollars, counts as numbers. */
export function showQuantity(unit: LimitUnit, quantity: Quantity): string | number {
  return unit === 'dollars' ? formatDollars(BigInt(quantity)) : quantity
}

/** A limit and how much of it is taken, as JSON shows it to callers. */
export function takenOf({ scope, unit, window, amount, used, held, resetsAt }: LimitView) {
  const show = (quantity: Quantity) => showQuantity(unit, quantity)
  return {
    scope,
    unit,
    window,
    amount: show(amount),
    used: show(used),
    held: show(held),
    resetsAt: resetsAt === null ? null : formatTime(resetsAt),
  }
}

/** The same window has the same text, however its form was written. */
export function windowText(window: Window): string {
  switch (window.kind) {
    case 'total':
      return 'total'
    case 'sliding':
    case 'anchored':
      return `${window.kind} ${window.lengthMs}`
    case 'calendar':
      return `calendar ${window.period} ${window.timezone}`
    case 'cycle':
      return `cycle month ${window.from}`
  }
}

const ID_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const ID_CHARACTERS = 13
const FNV_OFFSET = 0xcbf29ce484222325n
const FNV_PRIME = 0x100000001b3n

/**
 * The id of a limit that the configuration declares. It is made of scope, unit and window alone, so that a changed
 * amount keeps its use, and is the same in every instance.
 *
 * @returns `lim_` and 13 characters: the 64 bits of FNV-1a in Crockford's alphabet
 */
export function declaredLimitId(terms: LimitIdentity): string {
  return limitIdOf(identityOf(terms))
}

/** What makes a limit that limit, whatever its amount. */
export type LimitIdentity = Pick<LimitTerms, 'scope' | 'unit' | 'window' | 'percentOfBudget'>

function identityOf({ scope, unit, window, percentOfBudget }: LimitIdentity): string {
  const identity = `${scopeText(scope)}\n${unit}\n${windowText(window)}`
  return percentOfBudget === undefined ? identity : `${identity}\nof budget`
}

/** The id of a limit beside another one of the same identity, which does something else when it is reached: a warning before a stop. */
export function twinLimitId(terms: LimitIdentity & Pick<LimitTerms, 'onReached'>): string {
  return limitIdOf(`${identityOf(terms)}\n${terms.onReached.kind}`)
}

/** The same text, the same id. */
export function limitIdOf(identity: string): string {
  let hash = FNV_OFFSET
  for (const character of identity) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.codePointAt(0)!)) * FNV_PRIME)
  }
  let text = ''
  for (let i = 0; i < ID_CHARACTERS; i++) {
    text = ID_ALPHABET[Number(hash & 31n)]! + text
    hash >>= 5n
  }
  return `lim_${text}`
}
