import type { Tokens } from '../units/tokens.ts'

/**
 * Tokens of one attempt, in one convention for every dialect: `inputTokens` includes cached and cache-written tokens,
 * `outputTokens` includes reasoning tokens. An upstream that reports otherwise is converted where its answer is read.
 */
export interface Usage {
  readonly inputTokens: Tokens
  readonly cachedInputTokens: Tokens
  readonly cacheWrite5mTokens: Tokens
  readonly cacheWrite1hTokens: Tokens
  readonly outputTokens: Tokens
  readonly reasoningTokens: Tokens
  /** `reported` by the upstream, or `estimated` from what was sent and shown. */
  readonly source: 'reported' | 'estimated'
  /** Present only when the upstream reported more than plain text tokens at its ordinary service. */
  readonly special?: SpecialUsage
}

/** Parts of a usage with prices of their own, and the circumstances that change a price. All counts are tokens but for searches. */
export interface SpecialUsage {
  /** Parts of `inputTokens` and `cachedInputTokens`. */
  readonly inputAudioTokens?: Tokens
  readonly cachedAudioTokens?: Tokens
  readonly inputImageTokens?: Tokens
  readonly cachedImageTokens?: Tokens
  /** Parts of `outputTokens`. */
  readonly outputAudioTokens?: Tokens
  readonly outputImageTokens?: Tokens
  /** Requests to the provider's own web search, each with a price. */
  readonly webSearches?: number
  /** As the upstream names it: `batch`, `flex`, `priority`, `standard`, `default`, … */
  readonly serviceTier?: string
  /** As the upstream names it: `fast` or `standard`. */
  readonly speed?: string
  /** Where the inference ran, as the upstream names it: `us`, `global`, … */
  readonly inferenceGeo?: string
}
