/** The two families of wire formats that callers and upstreams speak. */
export type DialectName = 'openai' | 'anthropic'

/** What stands after `/v1/` in the path of a call. */
export type Endpoint = 'chat/completions' | 'responses' | 'embeddings' | 'messages' | 'messages/count_tokens'

export const ENDPOINTS: readonly Endpoint[] = [
  'chat/completions',
  'responses',
  'embeddings',
  'messages',
  'messages/count_tokens',
]

export function dialectOf(endpoint: Endpoint): DialectName {
  return endpoint === 'messages' || endpoint === 'messages/count_tokens' ? 'anthropic' : 'openai'
}
