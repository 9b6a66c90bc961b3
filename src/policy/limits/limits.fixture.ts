import type { Caller } from '../../vocabulary/caller.ts'
import type { LimitRefusal } from '../../vocabulary/limit.ts'
import { declaredLimitId, type Limit, type LimitView } from '../../vocabulary/limit.ts'
import { readLimitTerms } from '../../vocabulary/limit-terms.ts'
import type { Amounts, LimitedCall, Need } from '../../vocabulary/limited-call.ts'
import { LimitBook } from './book.ts'
import type { Decision } from './decision.ts'
import type { Hold } from './hold.ts'

/** A Monday, at midnight UTC. */
export const START = Date.UTC(2026, 5, 1)

export function limitOf(text: Record<string, unknown>, createdAt = START): Limit {
  const read = readLimitTerms({ window: text.unit === 'concurrency' ? undefined : 'total', ...text })
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return { ...read.terms, id: declaredLimitId(read.terms), createdAt, readOnly: false }
}

export function bookOf(...limits: readonly Record<string, unknown>[]): LimitBook {
  const book = new LimitBook(START)
  for (const text of limits) book.put(limitOf(text), START)
  return book
}

export function callerOf(changes: Partial<Caller> = {}): Caller {
  return { key: 'ci', team: null, user: null, tags: {}, run: null, ...changes }
}

export function callOf(caller: Partial<Caller> = {}, changes: Partial<LimitedCall> = {}): LimitedCall {
  const upstreams = ['openai']
  return { caller: callerOf(caller), model: 'fast', upstreams, runBudget: null, maxDollars: null, skip: [], ...changes }
}

/** @param cents of a dollar */
export function amounts(cents = 1, inputTokens = 40, outputTokens = 200): Amounts {
  return { dollars: BigInt(cents) * 10_000_000n, inputTokens, outputTokens }
}

/** A call that has to be held for all it may use. */
export function atMost(worst: Amounts): Need {
  return { worst, expected: null, isLearnt: false }
}

export function admitted(decision: Decision): Hold {
  if (decision.kind !== 'admit') throw new Error(`expected an admission, got ${JSON.stringify(decision)}`)
  return decision.hold
}

/** How many of a crowd of equal calls are admitted. */
export function crowd(book: LimitBook, calls: number, call: LimitedCall, now: number, worst = amounts()): Hold[] {
  const holds: Hold[] = []
  for (let i = 0; i < calls; i++) {
    const decision = book.decide(call, atMost(worst), now)
    if (decision.kind === 'admit') holds.push(decision.hold)
  }
  return holds
}

export function only(views: readonly LimitView[]): LimitView {
  if (views.length !== 1) throw new Error(`expected one limit, got ${views.length}`)
  return views[0]!
}

export function refused(book: LimitBook, call: LimitedCall, now: number, worst = amounts()): LimitRefusal {
  const decision = book.decide(call, atMost(worst), now)
  if (decision.kind !== 'refuse') throw new Error(`expected a refusal, got ${decision.kind}`)
  return decision
}
