import type { DurationMs } from '../../units/time.ts'
import type { EngineCosts } from '../../vocabulary/scheduling.ts'

/** What a call asks of a replica. */
export interface WorkTokens {
  /** Of the prompt, not expected in the replica's cache. */
  readonly uncachedTokens: number
  /** Of the answer. */
  readonly outputTokens: number
  /** Of the whole prompt, cached or not. */
  readonly contextTokens: number
}

/** Sequences that share a decode step on a replica with calls waiting: of each step a call pays one part in so many. */
export const TYPICAL_BATCH = 32

/**
 * Where nothing is known of a model or its accelerator: Llama-3.1-8B in bf16 on one H100 SXM (989 TFLOPS dense, 3.35
 * TB/s), with half of its arithmetic and 0.8 of its bandwidth in use. Only the ratios matter for sharing: an output
 * token with a context of 1,000 takes as much as about 8 uncached input tokens.
 *
 * - a token of a prompt: 2 × 8.03e9 FLOP; a pair: 4 × 32 layers × 4,096 FLOP;
 * - a decode step: 16.06 GB of weights, and half a millisecond of its own;
 * - a token of context: 131,072 bytes of KV cache.
 */
export const MID_SIZE_COSTS: EngineCosts = {
  prefillTokenMs: 0.0325,
  prefillPairMs: 1.06e-6,
  decodeStepMs: 6.5,
  decodeSequenceMs: 0.02,
  contextTokenMs: 4.9e-5,
}

/**
 * What a call takes of a replica: reading the uncached part of its prompt, its part of the decode steps that make its
 * answer, and the context that each of them reads (its cache, held for so long). Never less for more tokens; an answer
 * in two parts takes what the two take, the first being context of the second.
 *
 * @param costs null where nothing is known: `MID_SIZE_COSTS`
 * @returns milliseconds of one replica
 */
export function workOf(tokens: WorkTokens, costs: EngineCosts | null): DurationMs {
  const { prefillTokenMs, prefillPairMs, decodeStepMs, decodeSequenceMs, contextTokenMs } = costs ?? MID_SIZE_COSTS
  const { uncachedTokens: uncached, outputTokens: output } = tokens
  const context = Math.max(tokens.contextTokens, uncached)
  const pairs = uncached * (context - uncached) + uncached ** 2 / 2
  const prefill = uncached * prefillTokenMs + pairs * prefillPairMs
  const steps = output * (decodeSequenceMs + decodeStepMs / TYPICAL_BATCH)
  const read = (context * output + output ** 2 / 2) * contextTokenMs
  return prefill + steps + read
}
