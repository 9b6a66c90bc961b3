import { z } from 'zod'
import { blocksIn, rangesOf } from './blocks.ts'
import type { Line } from './lines.ts'
import { blockId, checkRecord, parseJson, tokenCount } from './record.ts'
import { inOrderOfTime, type Trace, TraceError, type TraceRequest } from './trace.ts'

const BLOCK_TOKENS = 512

const schema = z.object({
  timestamp: z.number().min(0),
  input_length: tokenCount,
  output_length: tokenCount,
  hash_ids: z.array(blockId),
})

/** Whether a first record looks like one of Mooncake's. */
export function isMooncake(record: object): boolean {
  return 'input_length' in record || 'hash_ids' in record
}

function readRequest({ number, text }: Line): TraceRequest {
  const record = checkRecord(number, schema, parseJson(number, text))
  const blocks = rangesOf(record.hash_ids)
  const most = Math.ceil(record.input_length / BLOCK_TOKENS)
  if (blocksIn(blocks) > most) {
    throw new TraceError(
      number,
      `hash_ids: expected at most ${most} blocks of ${BLOCK_TOKENS} tokens for an input_length of ${record.input_length}, found ${record.hash_ids.length}`,
    )
  }
  return {
    atMs: record.timestamp,
    model: null,
    inputTokens: record.input_length,
    outputTokens: record.output_length,
    blocks,
    tenant: null,
    session: null,
    follows: null,
  }
}

/**
 * Reads a trace of Mooncake's: one request a line with `timestamp` in milliseconds, `input_length`, `output_length` and
 * `hash_ids` of its prompt's blocks of 512 tokens, the last one possibly partial.
 *
 * Source: FAST25-release/traces of kvcache-ai/Mooncake.
 */
export function readMooncake(lines: Iterable<Line>): Trace {
  const requests: TraceRequest[] = []
  let blockIds = 0
  for (const line of lines) {
    const request = readRequest(line)
    for (const id of request.blocks ?? []) blockIds = Math.max(blockIds, id + 1)
    requests.push(request)
  }
  return { format: 'mooncake', requests: inOrderOfTime(requests), blockTokens: BLOCK_TOKENS, blockIds, notes: [] }
}
