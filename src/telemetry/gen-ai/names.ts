import type { Endpoint } from '../../vocabulary/dialect.ts'

const OPERATIONS: Readonly<Record<Endpoint, string>> = {
  'chat/completions': 'chat',
  responses: 'chat',
  messages: 'chat',
  embeddings: 'embeddings',
  'messages/count_tokens': 'count_tokens',
}

/** What OpenTelemetry's conventions call an endpoint's operation; they have no name for the counting of tokens. */
export function operationOf(endpoint: Endpoint): string {
  return OPERATIONS[endpoint]
}

/** Takes `upstream/model` apart; a model's name may itself have slashes. */
export function placeOf(deployment: string): { readonly provider: string; readonly model: string } {
  const slash = deployment.indexOf('/')
  if (slash < 0) return { provider: deployment, model: deployment }
  return { provider: deployment.slice(0, slash), model: deployment.slice(slash + 1) }
}
