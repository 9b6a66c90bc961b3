import type { NanoDollars } from '../../units/money.ts'
import type { Tokens } from '../../units/tokens.ts'
import { MAX_QUANTITY, type Quantity } from '../../vocabulary/limit.ts'
import type { Amounts } from '../../vocabulary/limited-call.ts'

/** Places of the units in a list of quantities, as in `LIMIT_UNITS`. */
export const DOLLARS = 0
export const REQUESTS = 4
export const CONCURRENCY = 5

/** Dollars that nobody knows: more than any limit has. */
export const UNPRICED: Quantity = Number.POSITIVE_INFINITY
/** A need too large to be counted: no limit has so much, and two of them still make a number. */
export const UNCOUNTABLE: Quantity = 2 * MAX_QUANTITY

function dollarsOf(dollars: NanoDollars | null): Quantity {
  if (dollars === null) return UNPRICED
  return dollars > MAX_QUANTITY ? UNCOUNTABLE : Number(dollars)
}

function countOf(tokens: Tokens): Quantity {
  return tokens > MAX_QUANTITY ? UNCOUNTABLE : tokens
}

/**
 * What a call must have room for, unit by unit.
 *
 * @throws RangeError when an amount is negative or no whole number
 */
export function needOf(worst: Amounts): Quantity[] {
  const { inputTokens, outputTokens } = worst
  const dollars = dollarsOf(worst.dollars)
  if (!(dollars >= 0 && isCount(inputTokens) && isCount(outputTokens))) {
    throw new RangeError(`a call can't need ${worst.dollars} nano-dollars, ${inputTokens} and ${outputTokens} tokens`)
  }
  return [dollars, countOf(inputTokens + outputTokens), countOf(inputTokens), countOf(outputTokens), 1, 1]
}

function isCount(tokens: Tokens): boolean {
  return tokens >= 0 && (Number.isInteger(tokens) || tokens === Number.POSITIVE_INFINITY)
}

/** Only limits that warn admit a call without a price, and they can't count what nobody knows. */
export function priced(needs: readonly Quantity[]): readonly Quantity[] {
  return needs[DOLLARS] === UNPRICED ? [0, ...needs.slice(1)] : needs
}

/**
 * What a call used, unit by unit. Where nobody knows the dollars it used all that was held: what can't be told is never
 * taken for free.
 */
export function usedOf(actual: Amounts, heldDollars: Quantity): Quantity[] {
  const used = needOf(actual)
  if (actual.dollars === null) used[DOLLARS] = heldDollars
  used[CONCURRENCY] = 0
  for (let i = 0; i < used.length; i++) used[i] = Math.min(used[i]!, MAX_QUANTITY)
  return used
}
