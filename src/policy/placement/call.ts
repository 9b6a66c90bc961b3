import type { DurationMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { PromptBlocks } from '../../vocabulary/scheduling.ts'
import type { Tier } from '../../vocabulary/tier.ts'

/** A call that is to go to one of the replicas of a pool. */
export interface PlacementCall {
  readonly inputTokens: Tokens
  /** That its answer will probably have. */
  readonly outputTokens: Tokens
  readonly prompt: PromptBlocks
  /** By replica: blocks of its prompt that are probably cached there, as `PrefixIndex` says. */
  readonly matches: Uint16Array | Int32Array
  readonly tier: Pick<Tier, 'timeToFirstTokenMs' | 'missedTargetDollars'>
  /** How long it has waited already. */
  readonly waitedMs: DurationMs
  /** How long it may go on waiting for a better place than there is; 0 where it must take what there is. */
  readonly patienceMs: DurationMs
  /** Replicas that have failed it. */
  readonly tried: readonly number[]
  /** From 0 to below 1. */
  readonly draw: number
}

/** Tokens of a call's prompt that are probably cached at a replica; an engine reads at least the last one. */
export function cachedTokensAt(call: PlacementCall, replica: number): Tokens {
  const matched = Math.floor(call.matches[replica]! * call.prompt.blockTokens)
  return Math.max(0, Math.min(matched, call.inputTokens - 1))
}

/** What its decode steps read on average: the prompt, and half of the answer. */
export function contextOf(call: Pick<PlacementCall, 'inputTokens' | 'outputTokens'>): Tokens {
  return call.inputTokens + call.outputTokens / 2
}
