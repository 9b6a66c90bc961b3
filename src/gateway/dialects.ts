import { answerHeaders, rateLimitHeaders, renderRefusal } from '../dialects/index.ts'
import type { CallerDialect } from '../lifecycle/call.ts'
import type { DialectName } from '../vocabulary/dialect.ts'

/** Both dialects as the lifecycle wants them. */
export const CALLER_DIALECTS: Readonly<Record<DialectName, CallerDialect>> = {
  openai: {
    name: 'openai',
    requestIdHeader: 'x-request-id',
    refusal: (refusal, id) => renderRefusal('openai', refusal, id),
    answerHeaders,
    rateLimitHeaders: (view, now) => rateLimitHeaders('openai', view, now),
  },
  anthropic: {
    name: 'anthropic',
    requestIdHeader: 'request-id',
    refusal: (refusal, id) => renderRefusal('anthropic', refusal, id),
    answerHeaders,
    rateLimitHeaders: (view, now) => rateLimitHeaders('anthropic', view, now),
  },
}
