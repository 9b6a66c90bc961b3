import type { Trace, TraceRequest } from '../traces/trace.ts'
import { ID_WORDS, type PromptShape } from './prompt.ts'

/** Tokens that a chat template may put around a prompt. */
const TEMPLATE_TOKENS = 64

/** How recorded lengths become those that are asked for. */
export interface LengthOptions {
  /** Times the recorded input, blocks included; 1 leaves it as it is. */
  readonly inputScale?: number
  /** Tokens of prompt, answer and template together that the model takes; longer prompts are cut at their end. */
  readonly contextLimit?: number
  /** Tokens of an answer at most. */
  readonly maxTokens?: number
  /** Another number, 0 to 255, gives other words, so that a warm cache knows none of them. */
  readonly salt?: number
}

/** A request as it is asked for. */
export interface ShapedRequest {
  readonly prompt: PromptShape
  readonly outputTokens: number
  /** Whether prompt or answer is shorter than recorded (and scaled). */
  readonly shortened: boolean
}

/** Ids of one salt: far more than any trace has blocks and requests; 2^42 in all are spelled in a block's first words. */
const IDS_PER_SALT = 2 ** 34
const SALTS = 256

/**
 * Fits recorded requests to what the model takes.
 *
 * @throws RangeError when an option makes no sense for this trace
 */
export function lengthsFor(
  trace: Trace,
  options: LengthOptions,
): (request: TraceRequest, index: number) => ShapedRequest {
  const {
    inputScale = 1,
    contextLimit = Number.POSITIVE_INFINITY,
    maxTokens = Number.POSITIVE_INFINITY,
    salt = 0,
  } = options
  if (!(inputScale > 0)) throw new RangeError('expected an input scale above 0')
  if (!(maxTokens >= 1)) throw new RangeError('expected a maximum of at least 1 token for an answer')
  if (!(contextLimit > TEMPLATE_TOKENS + 1)) {
    throw new RangeError(
      `expected a context limit above ${TEMPLATE_TOKENS + 1} tokens, which the chat template may take`,
    )
  }
  const blockWords = trace.blockTokens === null ? null : Math.round(trace.blockTokens * inputScale)
  if (blockWords !== null && blockWords <= ID_WORDS) {
    throw new RangeError(
      `expected an input scale that leaves blocks more than ${ID_WORDS} tokens: ${trace.blockTokens} times ${inputScale} does not`,
    )
  }
  if (!Number.isInteger(salt) || salt < 0 || salt >= SALTS)
    throw new RangeError(`expected a salt from 0 to ${SALTS - 1}`)
  const firstId = salt * IDS_PER_SALT
  return (request, index) => {
    const wantedOutput = Math.max(1, request.outputTokens)
    const outputTokens = Math.min(wantedOutput, maxTokens, Math.max(1, contextLimit - TEMPLATE_TOKENS - 1))
    const wantedWords = Math.max(1, Math.round(request.inputTokens * inputScale))
    const words = Math.min(wantedWords, contextLimit - TEMPLATE_TOKENS - outputTokens)
    return {
      prompt: { words, blockWords, firstId, ownId: firstId + trace.blockIds + index },
      outputTokens,
      shortened: words < wantedWords || outputTokens < wantedOutput,
    }
  }
}
