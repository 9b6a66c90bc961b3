import type { SpecialUsage, Usage } from '../../vocabulary/usage.ts'
import { circumstance, objectIn, optional, type Report, required, specialOf } from './counts.ts'

const NONE: Report = {}

/**
 * Usage of chat completions: `prompt_tokens` includes cached and written ones, `completion_tokens` reasoning. Where
 * parts exceed their whole, the whole is trusted, since it is what is billed, and the part is cut down to it.
 *
 * @param serviceTier as the answer names it beside its usage
 * @returns null when a count is missing or none
 */
export function chatUsage(report: Report, serviceTier: unknown): Usage | null {
  const inputDetails = objectIn(report.prompt_tokens_details) ?? NONE
  const outputDetails = objectIn(report.completion_tokens_details) ?? NONE
  const reasoningTokens = optional(outputDetails.reasoning_tokens)
  let outputTokens = required(report.completion_tokens)
  // xAI counts reasoning beside the completion; its total tells.
  const besides = required(report.prompt_tokens) + outputTokens + reasoningTokens
  if (reasoningTokens > 0 && outputTokens >= 0 && report.total_tokens === besides) outputTokens += reasoningTokens
  return usageFrom({
    input: required(report.prompt_tokens),
    // DeepSeek's and Moonshot's own names stand in for the usual one.
    cached: optional(inputDetails.cached_tokens ?? report.prompt_cache_hit_tokens ?? report.cached_tokens),
    output: outputTokens,
    reasoning: reasoningTokens,
    inputDetails,
    outputDetails,
    serviceTier,
  })
}

/** Usage of the Responses API: as of chat, under other names. */
export function responsesUsage(report: Report, serviceTier: unknown): Usage | null {
  const inputDetails = objectIn(report.input_tokens_details) ?? NONE
  const outputDetails = objectIn(report.output_tokens_details) ?? NONE
  return usageFrom({
    input: required(report.input_tokens),
    cached: optional(inputDetails.cached_tokens),
    output: required(report.output_tokens),
    reasoning: optional(outputDetails.reasoning_tokens),
    inputDetails,
    outputDetails,
    serviceTier,
  })
}

/** Usage of embeddings: a prompt and no output. */
export function embeddingsUsage(report: Report): Usage | null {
  const inputDetails = objectIn(report.prompt_tokens_details) ?? NONE
  const input = required(report.prompt_tokens)
  return usageFrom({ input, cached: 0, output: 0, reasoning: 0, inputDetails, outputDetails: NONE, serviceTier: null })
}

interface Counts {
  readonly input: number
  readonly cached: number
  readonly output: number
  readonly reasoning: number
  readonly inputDetails: Report
  readonly outputDetails: Report
  readonly serviceTier: unknown
}

function usageFrom({
  input,
  cached,
  output,
  reasoning,
  inputDetails,
  outputDetails,
  serviceTier,
}: Counts): Usage | null {
  const written = optional(inputDetails.cache_write_tokens)
  if (input < 0 || cached < 0 || output < 0 || reasoning < 0 || written < 0) return null
  const cachedInputTokens = Math.min(cached, input)
  const special = specialParts(inputDetails, outputDetails, serviceTier, { input, cachedInputTokens, output })
  if (special === null) return null
  const usage: Usage = {
    inputTokens: input,
    cachedInputTokens,
    cacheWrite5mTokens: Math.min(written, input - cachedInputTokens),
    cacheWrite1hTokens: 0,
    outputTokens: output,
    reasoningTokens: Math.min(reasoning, output),
    source: 'reported',
  }
  return special === undefined ? usage : { ...usage, special }
}

/** Null when a count is none, undefined when nothing is special. */
function specialParts(
  inputDetails: Report,
  outputDetails: Report,
  serviceTier: unknown,
  whole: { readonly input: number; readonly cachedInputTokens: number; readonly output: number },
): SpecialUsage | undefined | null {
  const inputAudio = optional(inputDetails.audio_tokens)
  const inputImage = optional(inputDetails.image_tokens)
  const outputAudio = optional(outputDetails.audio_tokens)
  const outputImage = optional(outputDetails.image_tokens)
  const cachedDetails = objectIn(inputDetails.cached_tokens_details)
  const cachedAudio = optional(cachedDetails?.audio_tokens)
  const cachedImage = optional(cachedDetails?.image_tokens)
  const tier = circumstance(serviceTier)
  if (Math.min(inputAudio, inputImage, outputAudio, outputImage, cachedAudio, cachedImage) < 0) return null
  const parts = inputAudio + inputImage + outputAudio + outputImage
  if (parts === 0 && tier === undefined) return undefined
  const inputAudioTokens = Math.min(inputAudio, whole.input)
  const inputImageTokens = Math.min(inputImage, whole.input - inputAudioTokens)
  const cachedAudioTokens = Math.min(cachedAudio, inputAudioTokens, whole.cachedInputTokens)
  const outputAudioTokens = Math.min(outputAudio, whole.output)
  return specialOf({
    inputAudioTokens,
    cachedAudioTokens,
    inputImageTokens,
    cachedImageTokens: Math.min(cachedImage, inputImageTokens, whole.cachedInputTokens - cachedAudioTokens),
    outputAudioTokens,
    outputImageTokens: Math.min(outputImage, whole.output - outputAudioTokens),
    serviceTier: tier,
  })
}
