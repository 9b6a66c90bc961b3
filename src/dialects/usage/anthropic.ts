import type { Usage } from '../../vocabulary/usage.ts'
import { circumstance, objectIn, optional, type Report, required, specialOf } from './counts.ts'

/**
 * Usage of messages: `input_tokens` is what was neither read from a cache nor written to one, so the three are added up.
 * Written tokens whose lifetime is not told are those of five minutes. Where the lifetimes add up to more than the
 * total says, the lifetimes are trusted, since each has a price.
 *
 * @returns null when a count is missing or none
 */
export function messagesUsage(report: Report): Usage | null {
  const uncached = required(report.input_tokens)
  const cached = optional(report.cache_read_input_tokens)
  const output = required(report.output_tokens)
  const writtenTotal = optional(report.cache_creation_input_tokens)
  const lifetimes = objectIn(report.cache_creation)
  const fiveMinutes = optional(lifetimes?.ephemeral_5m_input_tokens)
  const oneHour = optional(lifetimes?.ephemeral_1h_input_tokens)
  const reasoning = optional(objectIn(report.output_tokens_details)?.thinking_tokens)
  if (Math.min(uncached, cached, output, writtenTotal, fiveMinutes, oneHour, reasoning) < 0) return null
  const untold = Math.max(0, writtenTotal - fiveMinutes - oneHour)
  const inputTokens = uncached + cached + fiveMinutes + oneHour + untold
  if (!Number.isSafeInteger(inputTokens)) return null
  const webSearches = optional(objectIn(report.server_tool_use)?.web_search_requests)
  if (webSearches < 0) return null
  const usage: Usage = {
    inputTokens,
    cachedInputTokens: cached,
    cacheWrite5mTokens: fiveMinutes + untold,
    cacheWrite1hTokens: oneHour,
    outputTokens: output,
    reasoningTokens: Math.min(reasoning, output),
    source: 'reported',
  }
  const serviceTier = circumstance(report.service_tier)
  const speed = circumstance(report.speed)
  const inferenceGeo = circumstance(report.inference_geo)
  if (webSearches === 0 && serviceTier === undefined && speed === undefined && inferenceGeo === undefined) return usage
  return { ...usage, special: specialOf({ webSearches, serviceTier, speed, inferenceGeo }) }
}
