/** The parts of a call's tokens that may burn a limit at rates of their own. */
export const BURN_PARTS = ['input', 'cachedInput', 'cacheWrite5m', 'cacheWrite1h', 'output'] as const
export type BurnPart = (typeof BURN_PARTS)[number]

/** Thousandths: 1,250 for 1.25. */
export type Thousandths = number

/** One token at its plain weight. */
export const WHOLE: Thousandths = 1_000

/**
 * How fast tokens burn a limit of tokens: each part of them times its weight, the sum times a multiplier of each
 * circumstance of the call, rounded up once. Source: burn-down rates of committed throughput (Anthropic's priority tier,
 * Azure's provisioned throughput units).
 */
export interface BurnRates {
  readonly weights: Readonly<Record<BurnPart, Thousandths>>
  /** By circumstance (`inferenceGeo`, `serviceTier`, `speed`), then by its value; one for a value that is not named. */
  readonly multipliers: Readonly<Record<string, Readonly<Record<string, Thousandths>>>>
}
