import type { IncomingHttpHeaders } from 'node:http'
import { type NanoDollars, parseDollars } from '../units/money.ts'
import { type DurationMs, parseDuration } from '../units/time.ts'
import type { HeaderFault } from './caller.ts'

/** Bounds that a caller sets for itself; null for what it did not name. */
export interface Caps {
  /** For the whole run that the call belongs to. */
  readonly runBudget: NanoDollars | null
  /** For this call. */
  readonly maxDollars: NanoDollars | null
  /** Until the answer of this call has to have begun. */
  readonly deadlineMs: DurationMs | null
}

const NONE: Caps = { runBudget: null, maxDollars: null, deadlineMs: null }

/**
 * Reads `x-penstock-run-budget`, `x-penstock-max-dollars` and `x-penstock-deadline`. Who sets a bound relies on it, so that one which can't be
 * read, or a budget for no run, is a fault and never no bound.
 *
 * @param run that the call belongs to; null for none
 */
export function capsOf(headers: IncomingHttpHeaders, run: string | null): Caps | HeaderFault {
  const budgetText = headers['x-penstock-run-budget']
  const maxText = headers['x-penstock-max-dollars']
  const deadlineText = headers['x-penstock-deadline']
  if (budgetText === undefined && maxText === undefined && deadlineText === undefined) return NONE
  const runBudget = dollarsIn(budgetText)
  if (runBudget === 'unreadable') return unreadable('x-penstock-run-budget', budgetText)
  if (runBudget !== null && run === null) {
    return { fault: 'x-penstock-run-budget: expected x-penstock-run beside it, to name the run that the budget is for' }
  }
  const maxDollars = dollarsIn(maxText)
  if (maxDollars === 'unreadable') return unreadable('x-penstock-max-dollars', maxText)
  const deadlineMs = deadlineText === undefined ? null : parseDuration(String(deadlineText).trim())
  if (deadlineText !== undefined && deadlineMs === null) {
    const shown = JSON.stringify(String(deadlineText).slice(0, 80))
    return { fault: `x-penstock-deadline: expected a duration such as 500ms, 20s or 5m; got ${shown}` }
  }
  return { runBudget, maxDollars, deadlineMs }
}

type HeaderValue = string | string[] | undefined

function dollarsIn(value: HeaderValue): NanoDollars | null | 'unreadable' {
  if (value === undefined) return null
  const dollars = typeof value === 'string' ? parseDollars(value.trim()) : null
  return dollars === null || dollars < 0n ? 'unreadable' : dollars
}

function unreadable(name: string, value: HeaderValue): HeaderFault {
  const shown = JSON.stringify(String(value).slice(0, 80))
  return { fault: `${name}: expected dollars such as 0.50, from 0 and with at most 9 decimals; got ${shown}` }
}
