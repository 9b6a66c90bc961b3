import { errorWords } from './words.ts'

/** Statuses by which servers refuse a conversation for its length. */
const STATUSES: ReadonlySet<number> = new Set([400, 413, 422])

/** OpenAI and those that follow it, Z.ai; llama.cpp. */
const CODES: ReadonlySet<string> = new Set([
  'context_length_exceeded',
  'model_context_window_exceeded',
  'exceed_context_size_error',
])

/**
 * How servers say in their sentences that a conversation exceeds what the model can take, most of them with the number:
 * without it, a caller's own words would do. Sources: their code, and the errors that users report of them.
 */
const SENTENCES: readonly RegExp[] = [
  // OpenAI, vLLM, SGLang, OpenRouter, xAI: "This model's maximum context length is 8192 tokens. However, …"
  /maximum (?:context|prompt) length (?:is|of) \d/i,
  // OpenAI's Responses and its larger models.
  /input exceeds the context window of this model/i,
  /input tokens exceed the configured limit of \d/i,
  // vLLM.
  /prompt \((?:total )?length \d+\) is (?:too long to fit into the model|longer than the maximum model length)/i,
  // SGLang.
  /\(\d+ tokens\) is longer than the model's context length/i,
  /input length \(\d+ tokens\) exceeds the maximum allowed length/i,
  // TensorRT-LLM.
  /prompt length \([\d.]+\).{0,60} should not exceed max_(?:num_tokens|seq_len)/i,
  /prompt length \(\d+\) exceeds maximum (?:input|sequence) length/i,
  /default_max_tokens \(-?\d+\) (?:must|should) be greater than 0/i,
  // llama.cpp; in newer ones the numbers stand between.
  /\brequest (?:\(\d+ tokens\) )?exceeds the available context size/i,
  /input is larger than the max context size/i,
  // Anthropic.
  /prompt is too long: \d+ tokens/i,
  /input length and `?max_tokens`? exceed context limit/i,
  // Bedrock, Google, Mistral, Fireworks, Together, Moonshot, Cohere, MiniMax, Ollama, LM Studio.
  /input is too long for requested model/i,
  /input token count \(?\d+\)? exceeds the maximum number of tokens/i,
  /too large for model with \d+ maximum context length/i,
  /prompt is too long: \d+, model maximum context length/i,
  /`inputs` tokens \+ `max_new_tokens` must be <= \d/i,
  /exceeded model token limit: \d/i,
  /total number of tokens in the prompt cannot exceed \d/i,
  /context window exceeds limit/i,
  /prompt too long; exceeded max context length/i,
  /greater than the context length/i,
]

/** Whether a refusal says that the conversation, with the answer that it asks for, is too long for the model. */
export function saysTooLong(status: number, body: Uint8Array): boolean {
  if (!STATUSES.has(status)) return false
  const { codes, sentences } = errorWords(body)
  if (codes.some(code => CODES.has(code))) return true
  return sentences.some(sentence => SENTENCES.some(pattern => pattern.test(sentence)))
}
