import { dialectOf, type Endpoint } from '../../../vocabulary/dialect.ts'

/** Why a request is refused, as the real APIs would: the caller's fault. */
export interface RequestFault {
  /** Path of the field at fault, as `messages[0].role`; null when it is the body as a whole. */
  readonly param: string | null
  readonly message: string
  /** OpenAI's `code`. */
  readonly code: string | null
}

/** Status of every refusal by the simulated engine. */
export const FAULT_STATUS = 400

export function isFault(value: object): value is RequestFault {
  return 'message' in value && 'param' in value
}

/** The body of a refusal in the endpoint's dialect. */
export function faultBody(endpoint: Endpoint, fault: RequestFault, requestId: string): string {
  const type = 'invalid_request_error'
  if (dialectOf(endpoint) === 'openai') {
    return JSON.stringify({ error: { message: fault.message, type, param: fault.param, code: fault.code } })
  }
  return JSON.stringify({ type: 'error', error: { type, message: fault.message }, request_id: requestId })
}

/** In the words by which clients of each dialect know that their conversation has grown too long. */
export function contextFault(
  endpoint: Endpoint,
  sizes: { readonly tokens: number; readonly most: number },
): RequestFault {
  const { tokens, most } = sizes
  const message =
    dialectOf(endpoint) === 'anthropic'
      ? `prompt is too long: ${tokens} tokens > ${most} maximum`
      : `This model's maximum context length is ${most} tokens. However, your messages resulted in ${tokens} tokens. ` +
        'Please reduce the length of the messages.'
  const param = endpoint === 'responses' || endpoint === 'embeddings' ? 'input' : 'messages'
  return { param, message, code: 'context_length_exceeded' }
}
