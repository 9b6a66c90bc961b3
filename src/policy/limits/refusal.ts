import { type DurationMs, type EpochMs, formatTime } from '../../units/time.ts'
import {
  LIMIT_UNITS,
  type LimitRefusal,
  type LimitUnit,
  type LimitView,
  MAX_QUANTITY,
  type Quantity,
  showQuantity,
} from '../../vocabulary/limit.ts'
import { DOLLARS, UNPRICED } from './call.ts'
import type { MemberState } from './state.ts'

/** Where only running calls stand in the way, room comes back when one ends; nobody knows when, so it is soon asked again. */
const BUSY_RETRY_MS: DurationMs = 1_000
/** Room that returns later than this is nothing to wait for, unless it is a rate: of that some comes back all the time. */
const WORTH_WAITING_MS: DurationMs = 60_000

/** The sliding limit with the least room, by share of its amount; null when there is none. */
export function tightestSliding(members: readonly MemberState[], now: EpochMs): MemberState | null {
  let least: MemberState | null = null
  let room = Number.POSITIVE_INFINITY
  for (const member of members) {
    if (member.rule.clock.passing !== 'sliding') continue
    if (now >= member.endsAt) member.roll(now)
    const share = (member.amount - member.used - member.held) / Math.max(1, member.amount)
    if (share < room) {
      room = share
      least = member
    }
  }
  return least
}

/** Of how many such calls there is room; the limit with the least is named. */
function headroom(member: MemberState, need: Quantity): number {
  return (member.amount - member.used - member.held) / need
}

/** The one with the least headroom; of equals the one whose room comes back last. */
export function tightest(members: readonly MemberState[], needs: readonly Quantity[]): MemberState {
  return members.reduce((a, b) => {
    const [roomA, roomB] = [headroom(a, needs[a.unit]!), headroom(b, needs[b.unit]!)]
    if (roomA !== roomB) return roomB < roomA ? b : a
    return returnsAt(b, needs) > returnsAt(a, needs) ? b : a
  })
}

function returnsAt(member: MemberState, needs: readonly Quantity[]): EpochMs {
  return member.fitsAt(needs[member.unit]!) ?? Number.POSITIVE_INFINITY
}

/** How long until a limit has room for a call; null when nobody knows or it never will. */
function waitFor(member: MemberState, need: Quantity, now: EpochMs): DurationMs | null {
  if (need > member.amount) return null
  const at = member.fitsAt(need)
  const wait = at === null ? null : Math.max(1, at - now)
  const onlyHeld = member.used + need <= member.amount
  return onlyHeld ? Math.min(wait ?? BUSY_RETRY_MS, BUSY_RETRY_MS) : wait
}

/** @param blocked every limit that has no room for the call; at least one */
export function refusalOf(
  blocked: readonly MemberState[],
  needs: readonly Quantity[],
  now: EpochMs,
  isPriceUnknown = false,
): LimitRefusal {
  const named = tightest(blocked, needs)
  const need = needs[named.unit]!
  const { passing } = named.rule.clock
  const isRate = passing === 'sliding' || named.rule.terms.unit === 'concurrency'
  const waits = blocked.map(member => waitFor(member, needs[member.unit]!, now))
  const view = named.view()
  return {
    kind: 'refuse',
    ...view,
    resetsAt: passing === 'sliding' ? named.fitsAt(need) : view.resetsAt,
    cause: isPriceUnknown ? 'price' : isRate ? 'rate' : 'quota',
    need: isPriceUnknown ? null : need,
    retryAfterMs: isPriceUnknown ? null : waitFor(named, need, now),
    shouldRetry: !isPriceUnknown && waits.every(wait => wait !== null && (isRate || wait <= WORTH_WAITING_MS)),
    exceedsWhole: !isPriceUnknown && need > named.amount,
  }
}

/** Over the caller's own cap for one call. */
export function capRefusal(cap: Quantity, worstDollars: Quantity): LimitRefusal {
  const isPriceUnknown = worstDollars === UNPRICED
  return {
    kind: 'refuse',
    limit: null,
    scope: 'call',
    unit: LIMIT_UNITS[DOLLARS]!,
    window: 'total',
    amount: cap,
    used: 0,
    held: 0,
    left: cap,
    resetsAt: null,
    cause: isPriceUnknown ? 'price' : 'quota',
    need: isPriceUnknown ? null : worstDollars,
    retryAfterMs: null,
    shouldRetry: false,
    exceedsWhole: !isPriceUnknown,
  }
}

const UNIT_WORDS: Readonly<Record<LimitUnit, readonly [one: string, many: string]>> = {
  dollars: ['dollar', 'dollars'],
  tokens: ['token', 'tokens'],
  inputTokens: ['input token', 'input tokens'],
  outputTokens: ['output token', 'output tokens'],
  requests: ['request', 'requests'],
  concurrency: ['call at once', 'calls at once'],
}

function amountWords(unit: LimitUnit, quantity: Quantity): string {
  const shown = showQuantity(unit, quantity)
  const [one, many] = UNIT_WORDS[unit]
  return `${shown} ${shown === 1 || shown === '1' ? one : many}`
}

function windowWords({ window }: LimitView): string {
  if (window === null) return ''
  if (window === 'total') return ' in total'
  if ('sliding' in window) return ` in any ${window.sliding}`
  if ('anchored' in window) return ` in ${window.anchored} from the first use`
  if ('calendar' in window) return ` a ${window.calendar} (${window.timezone ?? 'UTC'})`
  return ` a month from the day of ${window.from}`
}

/** Says a refusal in one sentence, with the numbers of its fields. */
export function refusalSentence(refusal: LimitRefusal): string {
  const { scope, unit, amount, used, held, need, cause, exceedsWhole } = refusal
  const show = (quantity: Quantity) => amountWords(unit, quantity)
  const whole = `${show(amount)}${windowWords(refusal)}`
  if (cause === 'price') {
    return `nobody knows the price of this call, so it can't be admitted under the limit of ${whole} of ${scope}`
  }
  if (scope === 'call') return `this call may cost up to ${show(need!)}, more than its maximum of ${show(amount)}`
  const needs = need! > MAX_QUANTITY ? 'more than any limit can hold' : show(need!)
  const taken = `${showQuantity(unit, used)} used and ${showQuantity(unit, held)} held`
  if (exceedsWhole) return `this call needs ${needs}, more than the whole limit of ${whole} of ${scope} (${taken})`
  const reset = refusal.resetsAt === null ? '' : `, and room returns at ${formatTime(refusal.resetsAt)}`
  return `the limit of ${whole} of ${scope} is reached: ${taken}, this call needs ${needs}${reset}`
}

/** Says in one sentence that a limit is reached which only warns. */
export function warningSentence(view: LimitView): string {
  const { scope, unit, amount, used, held } = view
  const whole = `${amountWords(unit, amount)}${windowWords(view)}`
  return `the limit of ${whole} of ${scope} is reached: ${showQuantity(unit, used)} used and ${showQuantity(unit, held)} held`
}
