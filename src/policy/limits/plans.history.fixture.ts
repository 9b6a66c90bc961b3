import type { Caller } from '../../vocabulary/caller.ts'
import type { Limit } from '../../vocabulary/limit.ts'
import type { ActualAmounts, Amounts, LimitedCall } from '../../vocabulary/limited-call.ts'
import { binds } from './history.fixture.ts'
import { callerOf, limitOf, START } from './limits.fixture.ts'

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
const dayAfter = (days: number) => new Date(START + days * DAY_MS).toISOString()

/** Cached input burns a tenth, output three: a hold counts all of its input at one. */
const WEIGHTS = { cachedInput: '0.1', output: '3' }
export const RED = {
  subscribers: ['team:red', 'tag:project=atlas'],
  limits: [{ scope: 'plan', unit: 'concurrency', amount: 5 }],
  included: [
    { scope: 'each:user', unit: 'dollars', amount: '0.20', window: { anchored: '5h' } },
    { scope: 'plan', unit: 'tokens', amount: 20_000, window: { calendar: 'day' }, weights: WEIGHTS },
    { scope: 'plan', unit: 'requests', amount: 6, window: { calendar: 'day' }, models: ['big'] },
  ],
  overflow: [
    {
      scope: 'each:user',
      unit: 'dollars',
      grants: [
        {
          id: 'gift',
          amount: '0.15',
          createdAt: dayAfter(-1),
          expiresAt: dayAfter(2),
          kind: 'promotional',
          priority: 10,
        },
        { id: 'first', amount: '0.30', createdAt: dayAfter(-1), expiresAt: dayAfter(9) },
        { id: 'second', amount: '0.40', createdAt: dayAfter(1) },
        { id: 'late', amount: '2', createdAt: dayAfter(12), expiresAt: dayAfter(30) },
      ],
    },
    { scope: 'plan', unit: 'dollars', amount: '0.20', window: { calendar: 'week' } },
  ],
}
export const blue = (seats: number) => ({
  subscribers: ['user:eve', 'user:ana'],
  included: [
    {
      scope: 'plan',
      unit: 'dollars',
      seats: [{ kind: 'business', count: seats, each: '0.06' }],
      window: { calendar: 'day' },
    },
  ],
  overflow: [{ scope: 'each:key', unit: 'concurrency', amount: 1, onReached: 'queue', wait: '30s' }],
})
export const OWN = limitOf({ scope: 'organisation', unit: 'outputTokens', amount: 14_000, window: { calendar: 'day' } })

export const CALLERS: readonly Caller[] = [
  callerOf({ key: 'a', team: 'red', user: 'ana' }),
  callerOf({ key: 'b', team: 'red', user: 'ben' }),
  callerOf({ key: 'c', team: 'blue', user: 'eve' }),
  callerOf({ key: 'd', team: 'blue', user: 'eve', tags: { project: 'atlas' } }),
  callerOf({ key: 'e', user: 'zoe' }),
]
const SUBSCRIBED: Readonly<Record<string, (caller: Caller) => boolean>> = {
  red: ({ team, tags }) => team === 'red' || tags.project === 'atlas',
  blue: ({ user }) => user === 'eve' || user === 'ana',
}
interface Part {
  readonly at: number
  readonly amounts: Amounts
  readonly overflow: readonly string[]
}

/** A call as a plain bookkeeper writes it down. */
export interface Entry {
  readonly call: LimitedCall
  readonly parts: Part[]
  actual: ActualAmounts | null
  state: 'open' | 'posted' | 'voided'
}

/** What a limit counts of some amounts; those that may be used at the dearest rate. */
export function countOf(limit: Limit, amounts: Amounts, isFirst: boolean): number {
  const { inputTokens, outputTokens, cachedInputTokens = 0 } = amounts
  if (limit.burn !== undefined) return Math.ceil((inputTokens * 10 - cachedInputTokens * 9) / 10) + 3 * outputTokens
  if (limit.unit === 'dollars') return Number(amounts.dollars)
  return limit.unit === 'requests' || limit.unit === 'concurrency' ? Number(isFirst) : outputTokens
}

/** Whether a part of a call counts at a limit, shown by the scope of its member. */
export function counts(
  { membership }: Limit,
  scope: string,
  { call }: Pick<Entry, 'call'>,
  overflow: readonly string[],
): boolean {
  if (membership === undefined) return true
  const { plan, part, models } = membership
  if (!SUBSCRIBED[plan]!(call.caller) || (scope !== `plan:${plan}` && !binds(scope, call))) return false
  if (models !== null && !models.includes(call.model)) return false
  return part === 'limits' || overflow.includes(plan) === (part === 'overflow')
}

export function addUp(
  entries: readonly Entry[],
  limit: Limit,
  scope: string,
  from: number,
): { used: number; held: number } {
  const sum = { used: 0, held: 0 }
  for (const entry of entries) {
    if (entry.state === 'voided') continue
    let rest = entry.actual === null ? 0 : countOf(limit, entry.actual, true)
    entry.parts.forEach(({ at, amounts, overflow }, i) => {
      const isBound = counts(limit, scope, entry, overflow)
      const held = countOf(limit, amounts, i === 0)
      // What a limit that is burnt at its own rates does not bind, it never reckoned.
      const most = isBound || limit.burn === undefined ? held : 0
      const used = i === entry.parts.length - 1 ? rest : Math.min(rest, most)
      rest -= used
      if (!isBound || at < from) return
      if (entry.state === 'open') sum.held += held
      else if (limit.unit !== 'concurrency') sum.used += used
    })
  }
  return sum
}
