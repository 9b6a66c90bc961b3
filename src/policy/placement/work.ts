import type { DurationMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { EngineCosts } from '../../vocabulary/scheduling.ts'

/**
 * Of an engine whose model or accelerator nobody knows: about those of a dense model of 14 billion parameters in bf16
 * on an H100, by the step-time model. Replicas of one pool are compared with each other, so what is wrong with all of
 * them alike matters little.
 */
export const ASSUMED_COSTS: EngineCosts = {
  prefillTokenMs: 0.03,
  prefillPairMs: 2.5e-6,
  decodeStepMs: 11,
  decodeSequenceMs: 0.01,
  contextTokenMs: 1e-4,
}

/** Of each call whatever it asks: the way there and back, reading the body, making tokens of it. An assumption. */
export const FIXED_MS: DurationMs = 10

/** Of reading a prompt of which the beginning is cached. */
export function prefillMs(costs: EngineCosts, inputTokens: Tokens, cachedTokens: Tokens): DurationMs {
  const uncached = inputTokens > cachedTokens ? inputTokens - cachedTokens : 0
  return uncached * costs.prefillTokenMs + uncached * (cachedTokens + uncached / 2) * costs.prefillPairMs
}

/** By how much a sequence makes each decode step longer that it takes part in. */
export function sequenceStepMs(costs: EngineCosts, contextTokens: Tokens): DurationMs {
  return costs.decodeSequenceMs + contextTokens * costs.contextTokenMs
}

/** A decode step of so many sequences that read so many tokens of context in all. */
export function stepMs(costs: EngineCosts, sequences: number, contextTokens: Tokens): DurationMs {
  return costs.decodeStepMs + sequences * costs.decodeSequenceMs + contextTokens * costs.contextTokenMs
}
