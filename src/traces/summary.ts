import type { Trace } from './trace.ts'

/** What a trace holds, in a few numbers. */
export interface TraceSummary {
  readonly requests: number
  /** From the first request to the last. */
  readonly durationMs: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly meanInputTokens: number
  readonly meanOutputTokens: number
  /** Different blocks of prompts. */
  readonly blocks: number
  /** Share of the input tokens, 0 to 1, that a cache without bounds has when they come; null when no prefixes are known. */
  readonly reusableShare: number | null
}

/** Tokens of the beginning of a prompt that were there before; marks all its blocks as seen. */
function reuse(
  ranges: readonly number[],
  inputTokens: number,
  blockTokens: number,
  seen: Uint8Array,
): { known: number; fresh: number } {
  let known = 0
  let fresh = 0
  let position = 0
  let unbroken = true
  for (let i = 0; i < ranges.length; i += 2) {
    for (let id = ranges[i]!; id <= ranges[i + 1]!; id++) {
      if (!seen[id]) {
        unbroken = false
        seen[id] = 1
        fresh++
      } else if (unbroken) known += Math.min(blockTokens, inputTokens - position)
      position += blockTokens
    }
  }
  return { known, fresh }
}

/** Counts, means and how much of the input a cache without bounds would have. The last block counts at its true length. */
export function summarise(trace: Trace): TraceSummary {
  const { requests, blockTokens } = trace
  const seen = new Uint8Array(trace.blockIds)
  let inputTokens = 0
  let outputTokens = 0
  let known = 0
  let blocks = 0
  for (const request of requests) {
    inputTokens += request.inputTokens
    outputTokens += request.outputTokens
    if (!request.blocks || blockTokens === null) continue
    const found = reuse(request.blocks, request.inputTokens, blockTokens, seen)
    known += found.known
    blocks += found.fresh
  }
  return {
    requests: requests.length,
    durationMs: requests.length ? requests[requests.length - 1]!.atMs - requests[0]!.atMs : 0,
    inputTokens,
    outputTokens,
    meanInputTokens: requests.length ? inputTokens / requests.length : 0,
    meanOutputTokens: requests.length ? outputTokens / requests.length : 0,
    blocks,
    reusableShare: blockTokens === null ? null : inputTokens ? known / inputTokens : 0,
  }
}
