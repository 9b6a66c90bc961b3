import type { NanoDollars } from '../../units/money.ts'
import type { EpochMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { TokenGrams } from '../../vocabulary/deployment.ts'
import type { Usage } from '../../vocabulary/usage.ts'
import { rate } from '../pricing/rate.ts'
import type { Tariff } from '../pricing/tariff.ts'
import type { RouteAsk, RouteOption } from './ask.ts'

/** An option that can be asked, with what this call would probably cost there. */
export interface Candidate {
  readonly option: RouteOption
  /** In the configured order, from 0. */
  readonly place: number
  /** Null when nobody knows the price. */
  readonly dollars: NanoDollars | null
  /** What the warm prompt cache saves of it, by which the same call would cost more there with a cold one; 0 or more. */
  readonly saved: NanoDollars
  /** Of CO2 equivalents; null when nobody knows. */
  readonly grams: number | null
}

/** A candidate in its order, with the score that put it there. */
export interface Ranked {
  readonly candidate: Candidate
  /** Less is better; null where what it is made of is not known. */
  readonly score: number | null
}

/**
 * A cached input token takes this part of the energy of a computed one: it takes room in the cache and no arithmetic. An
 * assumption, the same that prices cached input of the simulated engine, and what hosted APIs most often charge.
 */
const CACHED_PART = 0.1

/** What a call takes of a deployment. */
export interface ExpectedTokens {
  readonly input: Tokens
  /** Of the input: read from the prompt cache, and written to it because it was cached elsewhere. */
  readonly cached: Tokens
  readonly written: Tokens
  readonly output: Tokens
}

/**
 * What a call will probably cost: exactly what a bill of these tokens would say. Where reading from the cache, or writing
 * to it, has no price of its own, these tokens are charged as input.
 *
 * @returns null when nobody knows the prices of what it uses
 */
export function expectedDollars(tariff: Tariff | null, tokens: ExpectedTokens, at: EpochMs): NanoDollars | null {
  if (tariff === null) return null
  const { input, output } = tokens
  const card = tariff.ordinaryCard(at, input)
  const cached = card.cachedInput === null ? 0 : Math.min(tokens.cached, input)
  const written = card.cacheWrite5m === null ? 0 : Math.min(tokens.written, input - cached)
  const usage: Usage = {
    inputTokens: input,
    cachedInputTokens: cached,
    cacheWrite5mTokens: written,
    cacheWrite1hTokens: 0,
    outputTokens: output,
    reasoningTokens: 0,
    source: 'estimated',
  }
  return rate(tariff, usage, at).dollars
}

/**
 * @param warmest the most tokens of this call that any option has cached. They show that this session uses prompt
 *   caches, so whoever lacks some of them will write these to its own, where that has a price.
 */
export function candidateOf(option: RouteOption, place: number, ask: RouteAsk, warmest: Tokens): Candidate {
  const { input, output } = ask.tokens
  const cached = Math.min(option.cachedTokens, input)
  const warm = { input, cached, written: Math.max(0, warmest - cached), output }
  const dollars = expectedDollars(option.tariff, warm, ask.now)
  const saved =
    cached === 0 || dollars === null
      ? 0n
      : savedDollars(dollars, expectedDollars(option.tariff, { ...warm, cached: 0, written: warmest }, ask.now))
  return { option, place, dollars, saved, grams: expectedGrams(option.deployment.grams, warm) }
}

function savedDollars(warm: NanoDollars, cold: NanoDollars | null): NanoDollars {
  return cold === null || cold < warm ? 0n : cold - warm
}

function expectedGrams(grams: TokenGrams | null, { input, cached, output }: ExpectedTokens): number | null {
  if (grams === null) return null
  return grams.perInputToken * (input - cached * (1 - CACHED_PART)) + grams.perOutputToken * output
}
