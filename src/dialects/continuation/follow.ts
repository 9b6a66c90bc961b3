import type { ParsedBody, ShownAnswer } from '../../ports/wire.ts'
import type { Endpoint } from '../../vocabulary/dialect.ts'
import { Request } from '../body/parse.ts'
import { ToldChat } from './chat.ts'
import { ToldMessage } from './messages.ts'
import { followedRequest } from './request.ts'
import { FollowedAnswer } from './shown.ts'

/** Follows a stream of this endpoint; null where an answer to such a request is never put together of two. */
export function followAnswer(endpoint: Endpoint, body: ParsedBody): ShownAnswer | null {
  if (endpoint !== 'chat/completions' && endpoint !== 'messages') return null
  const request = body instanceof Request ? followedRequest(endpoint, body) : null
  if (request === null) return null
  const told = endpoint === 'messages' ? new ToldMessage() : new ToldChat(body.wantsUsage)
  return new FollowedAnswer(request, told)
}
