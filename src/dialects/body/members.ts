import type { Endpoint } from '../../vocabulary/dialect.ts'

/** The top-level members of a request that are read; all others pass unseen. */
export type MemberName =
  | 'model'
  | 'stream'
  | 'stream_options'
  | 'max_tokens'
  | 'max_completion_tokens'
  | 'max_output_tokens'
  | 'n'

/** Which of them are read where. An endpoint that knows no streams, such as `embeddings`, reads no `stream`. */
export const MEMBERS: Readonly<Record<Endpoint, readonly MemberName[]>> = {
  'chat/completions': ['model', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'n'],
  responses: ['model', 'stream', 'max_output_tokens'],
  embeddings: ['model'],
  messages: ['model', 'stream', 'max_tokens'],
  'messages/count_tokens': ['model'],
}
