import type { BlockHashes } from './block-hash.ts'
import { type Lease, newLease } from './kv-cache.ts'

/** What an engine is asked for. The tokens themselves are not needed. */
export interface SequenceRequest {
  /** Unique among the sequences that are waiting or running. */
  readonly id: number
  /** One or more. */
  readonly promptTokens: number
  /** One or more; the sequence ends when it has them. */
  readonly outputTokens: number
  /**
   * Of the full blocks of the prompt, and of the output behind it where that is known beforehand, so that a later
   * prompt can begin with it. Blocks beyond are computed like others but never found again.
   */
  readonly hashes: BlockHashes
}

export type SequenceState = 'waiting' | 'running' | 'ended'

/** A sequence inside an engine. Mutable, one object for its whole life. */
export interface Sequence {
  readonly id: number
  readonly promptTokens: number
  readonly outputTokens: number
  readonly lease: Lease
  state: SequenceState
  /** Tokens whose KV is in the cache. */
  computed: number
  generated: number
  /** How many of the generated tokens were told in events. */
  told: number
  /** Tokens of the prompt that were cached when it was first admitted; −1 before. */
  cachedTokens: number
  preemptions: number
  /** Held back: it keeps its blocks, but gets no tokens. */
  paused: boolean
  /** Tokens that the present step computes for it. */
  scheduled: number
}

export function newSequence(request: SequenceRequest): Sequence {
  return {
    id: request.id,
    promptTokens: request.promptTokens,
    outputTokens: request.outputTokens,
    lease: newLease(request.hashes),
    state: 'waiting',
    computed: 0,
    generated: 0,
    told: 0,
    cachedTokens: -1,
    preemptions: 0,
    paused: false,
    scheduled: 0,
  }
}

/** Tokens that the sequence has by now, computed or not. */
export function knownTokens(sequence: Sequence): number {
  return sequence.promptTokens + sequence.generated
}
