import type { Usage } from '../../vocabulary/usage.ts'

/** A chunk of a chat, as its frame. */
export function chatFrame(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

/** An event of the dialects that name theirs, as its frame. */
export function eventFrame(type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
}

/** Usage in the words of chat completions. */
export function chatUsageReport(usage: Usage): object {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  }
}

/** Usage in the words of the Responses API. */
export function responsesUsageReport(usage: Usage): object {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  }
}
