import type { NanoDollars } from '../../units/money.ts'
import type { EpochMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { Charge, RateCard } from './card.ts'
import { isDearer } from './price.ts'
import type { Tariff } from './tariff.ts'

/** Units that any part of the input may turn out to be. */
const INPUT_UNITS = ['input', 'cachedInput', 'cacheWrite5m', 'cacheWrite1h'] as const

/** The dearest prices that a call may come to pay. */
interface Dearest {
  /** Null when input has no price at some size of the context. */
  readonly input: Charge | null
  readonly output: Charge | null
  /** Nano-dollars by which the lines of an input that is several things can exceed it, because each is rounded. */
  readonly rounding: NanoDollars
}

/** Computed once for each range of context sizes of a tariff. */
const known = new WeakMap<readonly RateCard[], Dearest>()

function dearer(a: Charge | null, b: Charge | null): Charge | null {
  if (a === null || b === null) return a ?? b
  return isDearer(b.price, a.price) ? b : a
}

function dearestOf(cards: readonly RateCard[]): Dearest {
  let input: Charge | null = null
  let output: Charge | null = null
  let roundedLines = 0
  for (const card of cards) {
    const charges = INPUT_UNITS.map(unit => card[unit]).filter(charge => charge !== null)
    input = charges.reduce(dearer, input)
    output = dearer(output, card.output)
    roundedLines = Math.max(roundedLines, charges.filter(charge => charge.divisor !== 1n).length)
  }
  return {
    input: cards.every(card => card.input !== null) ? input : null,
    output: cards.every(card => card.output !== null) ? output : null,
    // A line gains at most half a nano-dollar; a single one stays within its bound's own rounding up.
    rounding: BigInt(Math.floor(roundedLines / 2)),
  }
}

function costRoundedUp({ factor, divisor, smallFactor, safeCount }: Charge, count: Tokens): NanoDollars {
  if (divisor === 1n && count <= safeCount) return BigInt(count * smallFactor)
  return (BigInt(count) * factor + divisor - 1n) / divisor
}

/**
 * The most that a call can cost at its upstream's ordinary service: all input at the dearest of what input may be
 * (uncached, read from the cache or written to it), all output at the price of output, at the dearest tier that a
 * context up to this size can reach.
 *
 * No text call with at most these tokens is ever rated higher. Above the exact bound this stands by at most four
 * nano-dollars, because lines are rounded one by one, and by nothing where tokens cost whole nano-dollars. Not in it:
 * audio, pictures and searches, and a dearer service that the caller asks for.
 *
 * @returns null when nobody knows the prices of what the call may use
 */
export function worstCase(
  tariff: Tariff | null,
  { inputTokens, outputTokens }: { readonly inputTokens: Tokens; readonly outputTokens: Tokens },
  at: EpochMs,
): NanoDollars | null {
  if (tariff === null) return null
  const cards = tariff.cardsUpTo(at, inputTokens)
  let dearest = known.get(cards)
  if (dearest === undefined) {
    dearest = dearestOf(cards)
    known.set(cards, dearest)
  }
  let sum: NanoDollars = 0n
  if (inputTokens > 0) {
    if (dearest.input === null) return null
    sum = costRoundedUp(dearest.input, inputTokens) + dearest.rounding
  }
  if (outputTokens > 0) {
    if (dearest.output === null) return null
    sum += costRoundedUp(dearest.output, outputTokens)
  }
  return sum
}
