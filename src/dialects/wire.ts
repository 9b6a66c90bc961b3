import type { ParsedBody, StreamReader, Wire } from '../ports/wire.ts'
import { ENDPOINTS, type Endpoint } from '../vocabulary/dialect.ts'
import { answerReader } from './answer/read.ts'
import { bodyParser } from './body/parse.ts'
import { followAnswer } from './continuation/follow.ts'
import { refusesPrefill } from './refused/prefill.ts'
import { saysTooLong } from './refused/too-long.ts'
import { closingComment, streamError } from './render/frames.ts'
import { ChatEvents } from './stream/chat-events.ts'
import { MessagesEvents } from './stream/messages-events.ts'
import { EventStreamReader } from './stream/reader.ts'
import { ResponsesEvents } from './stream/responses-events.ts'

const WIRES: ReadonlyMap<Endpoint, Wire> = new Map(ENDPOINTS.map(endpoint => [endpoint, makeWire(endpoint)]))

/** How an endpoint looks on the wire. One object per endpoint, made once. */
export function wireOf(endpoint: Endpoint): Wire {
  return WIRES.get(endpoint)!
}

function makeWire(endpoint: Endpoint): Wire {
  return {
    endpoint,
    parseBody: bodyParser(endpoint),
    readAnswer: answerReader(endpoint),
    openStream: (body, withholds = true) => openStream(endpoint, body, withholds),
    follow: body => followAnswer(endpoint, body),
    saysTooLong,
    refusesPrefill,
    closingComment,
    streamError: (refusal, id) => streamError(endpoint, refusal, id),
  }
}

function openStream(endpoint: Endpoint, body: ParsedBody, withholds: boolean): StreamReader {
  switch (endpoint) {
    case 'messages':
    case 'messages/count_tokens':
      return new EventStreamReader(new MessagesEvents(), withholds)
    case 'responses':
      return new EventStreamReader(new ResponsesEvents(), withholds)
    case 'chat/completions':
    case 'embeddings':
      return new EventStreamReader(new ChatEvents(body.wantsUsage), withholds)
  }
}
