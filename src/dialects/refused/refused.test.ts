import { describe, expect, it } from 'vitest'
import { wireOf } from '../wire.ts'

const { saysTooLong, refusesPrefill } = wireOf('chat/completions')
const bytes = (body: unknown) => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
const openai = (message: string, code: string | null = null, type = 'invalid_request_error') => ({
  error: { message, type, param: 'messages', code },
})
const top = (message: string) => ({ object: 'error', message, type: 'BadRequestError', param: null, code: 400 })
const anthropic = (message: string) => ({ type: 'error', error: { type: 'invalid_request_error', message } })

const TOO_LONG: readonly (readonly [string, unknown])[] = [
  ['OpenAI, by its code', openai('Sorry.', 'context_length_exceeded')],
  [
    'OpenAI, by its sentence',
    openai("This model's maximum context length is 128000 tokens. However, your messages resulted in 130004 tokens."),
  ],
  ['OpenAI, newer', openai('Your input exceeds the context window of this model. Please adjust your input.')],
  [
    'vLLM',
    top(
      "This model's maximum context length is 16384 tokens. However, you requested 19591 tokens (9591 in the messages, 10000 in the completion).",
    ),
  ],
  [
    'vLLM, of the maximum',
    openai(
      "'max_tokens' or 'max_completion_tokens' is too large: 8192. This model's maximum context length is 8192 tokens and your request has 1210 input tokens (8192 > 8192 - 1210).",
    ),
  ],
  ['vLLM, of the prompt', top('The decoder prompt (length 10127) is longer than the maximum model length of 8192.')],
  ['SGLang', top("The input (61709 tokens) is longer than the model's context length (40960 tokens).")],
  [
    'SGLang, of the sum',
    top("Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total …"),
  ],
  ['SGLang, of its memory', top('Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens).')],
  [
    'TensorRT-LLM',
    top('The sum of prompt length (72417.0), query length (0) should not exceed max_num_tokens (69632)'),
  ],
  [
    'TensorRT-LLM, with the maximum',
    top('The sum of prompt length (8000), query length (0) and max_tokens (400) should not exceed max_seq_len (8192)'),
  ],
  [
    'llama.cpp, by its type',
    { error: { code: 400, message: 'no', type: 'exceed_context_size_error', n_prompt_tokens: 1407, n_ctx: 256 } },
  ],
  [
    'llama.cpp, by its sentence',
    openai('the request exceeds the available context size. try increasing the context size'),
  ],
  ['llama.cpp, newer', openai('request (1407 tokens) exceeds the available context size (256 tokens), try increasing')],
  ['Anthropic', anthropic('prompt is too long: 208310 tokens > 200000 maximum')],
  [
    'Anthropic, with the maximum',
    anthropic('input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000, decrease input length'),
  ],
  [
    'FastAPI',
    { detail: [{ type: 'value_error', msg: 'The prompt (total length 25938) is too long to fit into the model' }] },
  ],
  ['a plain detail', { detail: "The input (7 tokens) is longer than the model's context length (5 tokens)." }],
  [
    'one that wraps',
    {
      error: {
        message: 'Provider returned error',
        metadata: { raw: '{"message":"prompt is too long: 9 tokens > 8"}' },
      },
    },
  ],
  ['no JSON', "This model's maximum context length is 4096 tokens."],
]

const OTHERS: readonly (readonly [string, unknown])[] = [
  ['a member that is unknown', openai("Unknown parameter: 'tempo'.", 'unknown_parameter')],
  ['a maximum beyond the model', openai('max_tokens is too large: 100000. This model supports at most 16384.')],
  [
    'a string that is too long',
    openai("Invalid 'user': string too long. Expected at most 64.", 'string_above_max_length'),
  ],
  [
    'a body that is too large',
    { type: 'error', error: { type: 'request_too_large', message: 'Request exceeds the maximum size' } },
  ],
  [
    'a request that is repeated',
    {
      detail: [
        { msg: 'Field required', input: { messages: [{ content: 'prompt is too long: 9 tokens > 8 maximum' }] } },
      ],
    },
  ],
  ['a request that is repeated far behind', openai(`Bad: ${'x'.repeat(2_000)} prompt is too long: 9 tokens > 8`)],
  ['words of a caller', openai("Invalid value: 'the prompt is too long'.")],
  ['nothing', ''],
  ['no object', 'null'],
]

describe('a refusal', () => {
  it.each(TOO_LONG)('that says that the conversation is too long is understood: %s', (_, body) => {
    for (const status of [400, 413, 422]) expect(saysTooLong(status, bytes(body))).toBe(true)
    for (const status of [401, 404, 429, 500]) expect(saysTooLong(status, bytes(body))).toBe(false)
    expect(refusesPrefill(400, bytes(body))).toBe(false)
  })

  it.each(OTHERS)('of something else is not taken for one of a conversation too long: %s', (_, body) => {
    for (const status of [400, 413, 422]) expect(saysTooLong(status, bytes(body))).toBe(false)
    // A request that goes on differs from one that was taken by its last message alone.
    for (const status of [400, 422]) expect(refusesPrefill(status, bytes(body))).toBe(true)
  })

  it('with a body beyond all sense is not read', () => {
    const body = openai(`This model's maximum context length is 8 tokens. ${'x'.repeat(1_000_000)}`)
    expect(saysTooLong(400, bytes(body))).toBe(false)
  })

  it.each([
    [
      400,
      anthropic(
        'This model does not support assistant message prefill. The conversation must end with a user message.',
      ),
    ],
    [400, { message: 'Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant' }],
    [400, openai('Assistant response prefill is incompatible with enable_thinking.')],
    [400, openai('Cannot set both add_generation_prompt and continue_final_message to true.')],
    [422, { detail: [{ msg: 'Extra inputs are not permitted', loc: ['body', 'continue_final_message'] }] }],
    [500, openai('Cannot have 2 or more assistant messages at the end of the list.')],
    [500, openai('Conversation roles must alternate user/assistant/user/assistant/...')],
  ])('of a prefill is understood: %i %j', (status, body) => {
    expect(refusesPrefill(status, bytes(body))).toBe(true)
  })

  it.each([
    [401, openai('no key')],
    [404, openai('no model')],
    [429, openai('prefill')],
    [500, openai('The engine had a bad day.')],
    [503, openai('prefill')],
  ])('that has nothing to do with a prefill is not: %i %j', (status, body) => {
    expect(refusesPrefill(status, bytes(body))).toBe(false)
  })
})
