import type { EngineOptions } from '../simulation/engine.ts'
import { BLOCK_TOKENS } from '../simulation/memory.ts'
import type { Tokens } from '../units/tokens.ts'
import type { ModelledUpstream } from './fleet.ts'

/** Recordings with blocks up to this size are played with blocks of that size: an engine with larger blocks than its own wastes no more than one a sequence. */
const LARGEST_BLOCK: Tokens = 64

/**
 * The engine of an upstream, with blocks that divide those of everything that is played: what a recording says is shared
 * can only be found again block by block.
 */
export function engineOf({ engine }: ModelledUpstream, traceTokens: readonly Tokens[]): EngineOptions {
  const blockTokens = blockTokensFor(traceTokens)
  return { ...engine, blockTokens, kvBlocks: Math.max(2, Math.floor((engine.kvBlocks * BLOCK_TOKENS) / blockTokens)) }
}

function blockTokensFor(traceTokens: readonly Tokens[]): Tokens {
  if (traceTokens.length === 0) return BLOCK_TOKENS
  const divisor = traceTokens.reduce(commonDivisor)
  return divisor > LARGEST_BLOCK ? commonDivisor(divisor, BLOCK_TOKENS) : divisor
}

function commonDivisor(one: number, other: number): number {
  return other === 0 ? one : commonDivisor(other, one % other)
}
