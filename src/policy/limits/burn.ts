import type { Tokens } from '../../units/tokens.ts'
import { LIMIT_UNITS, MAX_QUANTITY, type Quantity } from '../../vocabulary/limit.ts'
import type { Amounts } from '../../vocabulary/limited-call.ts'
import { type BurnRates, type Thousandths, WHOLE } from '../../vocabulary/plan-burn.ts'
import { needOf, UNCOUNTABLE } from './call.ts'
import type { MemberState } from './state.ts'

/** Whether all of a call is known, or the dearest it may turn out to be is asked for. */
export type Knowledge = 'atMost' | 'actual'

/** Units that every call has; a limit that is burnt at rates of its own has a place of its own behind them. */
const PLAIN_UNITS = LIMIT_UNITS.length

interface Parts {
  readonly input: Tokens
  readonly cachedInput: Tokens
  readonly cacheWrite5m: Tokens
  readonly cacheWrite1h: Tokens
}

function partsOf(amounts: Amounts): Parts {
  const { inputTokens, cachedInputTokens: cachedInput = 0 } = amounts
  const { cacheWrite5mTokens: cacheWrite5m = 0, cacheWrite1hTokens: cacheWrite1h = 0 } = amounts
  return {
    input: Math.max(0, inputTokens - cachedInput - cacheWrite5m - cacheWrite1h),
    cachedInput,
    cacheWrite5m,
    cacheWrite1h,
  }
}

function isSplit({ cachedInputTokens, cacheWrite5mTokens, cacheWrite1hTokens }: Amounts): boolean {
  return cachedInputTokens !== undefined || cacheWrite5mTokens !== undefined || cacheWrite1hTokens !== undefined
}

/** Thousandths of input tokens, before multipliers. */
function weighInput(amounts: Amounts, { weights }: BurnRates, knowledge: Knowledge): bigint {
  const { input, cachedInput, cacheWrite5m, cacheWrite1h } = weights
  if (knowledge === 'atMost' && !isSplit(amounts)) {
    return BigInt(amounts.inputTokens) * BigInt(Math.max(input, cachedInput, cacheWrite5m, cacheWrite1h))
  }
  const parts = partsOf(amounts)
  return (
    BigInt(parts.input) * BigInt(input) +
    BigInt(parts.cachedInput) * BigInt(cachedInput) +
    BigInt(parts.cacheWrite5m) * BigInt(cacheWrite5m) +
    BigInt(parts.cacheWrite1h) * BigInt(cacheWrite1h)
  )
}

function multiplierOf(
  table: Readonly<Record<string, Thousandths>>,
  value: string | undefined,
  knowledge: Knowledge,
): Thousandths {
  if (value !== undefined) return Object.hasOwn(table, value) ? table[value]! : WHOLE
  return knowledge === 'actual' ? WHOLE : Math.max(WHOLE, ...Object.values(table))
}

/**
 * How much of a limit a call's tokens burn: whole tokens, rounded up once.
 *
 * @param unit `inputTokens`, `outputTokens` or `tokens`: which of them count
 */
export function burn(
  amounts: Amounts,
  { unit, rates, knowledge }: { readonly unit: string; readonly rates: BurnRates; readonly knowledge: Knowledge },
): Quantity {
  const { inputTokens, outputTokens, circumstances = {} } = amounts
  if (inputTokens > MAX_QUANTITY || outputTokens > MAX_QUANTITY) return UNCOUNTABLE
  let sum = unit === 'outputTokens' ? 0n : weighInput(amounts, rates, knowledge)
  if (unit !== 'inputTokens') sum += BigInt(outputTokens) * BigInt(rates.weights.output)
  let scale = BigInt(WHOLE)
  for (const circumstance in rates.multipliers) {
    const value = Object.hasOwn(circumstances, circumstance) ? circumstances[circumstance] : undefined
    sum *= BigInt(multiplierOf(rates.multipliers[circumstance]!, value, knowledge))
    scale *= BigInt(WHOLE)
  }
  const burnt = (sum + scale - 1n) / scale
  return burnt > MAX_QUANTITY ? UNCOUNTABLE : Number(burnt)
}

/** Adds to amounts by unit what they burn of the limits among these that have rates of their own. */
export function addBurnt(
  quantities: Quantity[],
  members: readonly MemberState[],
  { amounts, knowledge }: { readonly amounts: Amounts; readonly knowledge: Knowledge },
): void {
  for (let i = 0; i < members.length; i++) {
    const { unit: place, rule } = members[i]!
    if (place < PLAIN_UNITS) continue
    const { unit, burn: rates } = rule.terms
    while (quantities.length < place) quantities.push(0)
    quantities[place] = burn(amounts, { unit, rates: rates!, knowledge })
  }
}

/** What a call must have room for in these limits, unit by unit. */
export function needAt(members: readonly MemberState[], amounts: Amounts): Quantity[] {
  const needs = needOf(amounts)
  addBurnt(needs, members, { amounts, knowledge: 'atMost' })
  return needs
}
