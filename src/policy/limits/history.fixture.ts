import type { LimitView } from '../../vocabulary/limit.ts'
import type { Amounts, LimitedCall } from '../../vocabulary/limited-call.ts'

/** One part of a hold as a plain bookkeeper would write it down: when, how much, and what became of it. */
interface Part {
  readonly at: number
  held: number
  used: number
}

/** One call in the books of that bookkeeper. */
export interface Entry {
  readonly call: LimitedCall
  readonly parts: { readonly at: number; readonly amounts: Amounts }[]
  actual: Amounts | null
  state: 'open' | 'posted' | 'voided'
}

const COUNTS: Readonly<Record<string, (amounts: Amounts, isFirst: boolean) => number>> = {
  dollars: ({ dollars }) => Number(dollars),
  tokens: ({ inputTokens, outputTokens }) => inputTokens + outputTokens,
  inputTokens: ({ inputTokens }) => inputTokens,
  outputTokens: ({ outputTokens }) => outputTokens,
  requests: (_, isFirst) => (isFirst ? 1 : 0),
}

/** Whether a limit, shown by the scope of its member, binds a call. Written anew, without looking things up. */
export function binds(scope: string, { caller, model, upstreams }: LimitedCall): boolean {
  const [kind, name] = [scope.slice(0, scope.indexOf(':')), scope.slice(scope.indexOf(':') + 1)]
  if (scope === 'organisation') return true
  if (kind === 'tag') return Object.entries(caller.tags).some(([tag, value]) => `${tag}=${value}` === name)
  if (kind === 'model') return model === name
  if (kind === 'upstream') return upstreams.includes(name)
  return { key: caller.key, team: caller.team, user: caller.user, run: caller.run }[kind] === name
}

/** The parts of a call at a limit of this unit: each is filled with what was used before the next is. */
function partsOf(entry: Entry, unit: string): readonly Part[] {
  if (entry.state === 'voided') return []
  const count = COUNTS[unit]!
  let rest = entry.actual === null ? 0 : count(entry.actual, true)
  return entry.parts.map(({ at, amounts }, i) => {
    const held = count(amounts, i === 0)
    if (entry.state === 'open') return { at, held, used: 0 }
    const used = i === entry.parts.length - 1 ? rest : Math.min(rest, held)
    rest -= used
    return { at, held: 0, used }
  })
}

/**
 * What a limit must show if all calls are added up from the beginning.
 *
 * @param from calls before that are over
 */
export function addUp(
  entries: readonly Entry[],
  { scope, unit, limit }: LimitView,
  from: number,
): { used: number; held: number } {
  const sum = { used: 0, held: 0 }
  for (const entry of entries) {
    if (limit !== null && entry.call.skip.includes(limit)) continue
    if (!binds(scope, entry.call)) continue
    if (unit === 'concurrency') {
      if (entry.state === 'open') sum.held++
      continue
    }
    for (const { at, held, used } of partsOf(entry, unit)) {
      if (at < from) continue
      sum.used += used
      sum.held += held
    }
  }
  return sum
}
