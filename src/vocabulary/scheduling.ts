import type { DurationMs } from '../units/time.ts'
import type { Tokens } from '../units/tokens.ts'
import type { EngineKind } from './deployment.ts'
import type { Tier } from './tier.ts'

/** How the service of owned engines is shared. */
export interface SchedulingTerms {
  /** At least the default ones, no two of the same name. */
  readonly tiers: readonly Tier[]
  /** Of tenants inside a tier, by `team:N` or `key:N`, above 0; 1 for those that are not named. */
  readonly shares: Readonly<Record<string, number>>
  readonly queue: QueueBounds
}

/** Of all calls that wait in the gateway for a place on an engine. */
export interface QueueBounds {
  readonly maxCalls: number
  /** Of their bodies. */
  readonly maxBytes: number
  readonly maxWaitMs: DurationMs
}

export const DEFAULT_QUEUE: QueueBounds = { maxCalls: 5_000, maxBytes: 512_000_000, maxWaitMs: 60_000 }

/** An upstream of owned engines as the scheduler knows it. */
export interface Pool {
  readonly upstream: string
  readonly engine: EngineKind
  /** Calls at once on a replica; null where that is learnt from the engines' metrics. */
  readonly maxRunning: number | null
  /** The most replicas that it can have; those of its list come first. */
  readonly slots: number
  /** Null where the model or the accelerator is not in the tables: then times are learnt from answers alone. */
  readonly costs: EngineCosts | null
  /** Tokens that the KV cache of one replica holds; null where only the engine knows. */
  readonly kvTokens: Tokens | null
  /** Of one replica with all its accelerators; null where nobody said. */
  readonly dollarsPerHour: number | null
  /** Electric power of one replica, all accelerators together; null where nobody knows. */
  readonly watts: { readonly idle: number; readonly busy: number } | null
}

/** What work takes of a replica, by the step-time model, in milliseconds. */
export interface EngineCosts {
  /** Of each uncached token of a prompt, in a full chunk. */
  readonly prefillTokenMs: DurationMs
  /** Of each pair of an uncached token with one before it: attention's part. */
  readonly prefillPairMs: DurationMs
  /** Of a decode step whatever it decodes: reading the weights, and what is fixed. */
  readonly decodeStepMs: DurationMs
  /** Of each sequence in a decode step. */
  readonly decodeSequenceMs: DurationMs
  /** Of each token of context that a decode step reads. */
  readonly contextTokenMs: DurationMs
}

/** Hashes of the blocks of a prompt, each made of its block and of all before it: equal ones are equal beginnings. */
export interface PromptBlocks {
  /** Whole numbers from 1 to below 2^53. */
  readonly hashes: Float64Array
  /** Tokens of a block; a fraction where they are guessed from bytes. */
  readonly blockTokens: number
}

export const NO_BLOCKS: PromptBlocks = { hashes: new Float64Array(0), blockTokens: 1 }

/** What was expected of where an attempt went; kept with it. */
export interface PlacementRecord {
  /** Tokens of its prompt that were expected in the replica's cache; null where nothing was placed. */
  readonly expectedCachedTokens: Tokens | null
  /** Why it left the queue for a hosted deployment; null where it did not. */
  readonly spill: SpillRecord | null
}

/** The sum by which a call left the queue for a hosted deployment. */
export interface SpillRecord {
  /** `target`: waiting would have missed it, and that was worth more than the difference; `full`: the queue had no room. */
  readonly why: 'target' | 'full'
  /** How long the first token would have taken with waiting, as far as was known. */
  readonly expectedMs: DurationMs | null
  readonly targetMs: DurationMs | null
  /** What missing the target was expected to be worth. */
  readonly harmDollars: bigint | null
  /** What the hosted deployment was expected to cost more. */
  readonly moreDollars: bigint | null
}
