import type { CallerDialect } from '../lifecycle/call.ts'
import type { StreamEnd, StreamReader, Wire } from '../ports/wire.ts'
import type { Usage } from '../vocabulary/usage.ts'
import type { LengthsBody } from './body.ts'
import { readFrame } from './lengths.ts'

/** An answer's token counts as so many bytes where the lifecycle counts bytes. */
const BYTES_PER_TOKEN = 4
const NO_BYTES = new Uint8Array(0)
const NO_HEADERS: readonly string[] = []
const WHOLE: StreamEnd = { whole: true, beforeComment: null, lastEvent: null }
const BROKEN: StreamEnd = { whole: false, beforeComment: null, lastEvent: null }

/** Reads the frames of one answer. */
class LengthsReader implements StreamReader {
  readonly ended = false
  readonly sawError = false
  readonly malformed = false
  sawContent = false
  usage: Usage | null = null
  contentBytes = BYTES_PER_TOKEN
  readonly #body: LengthsBody

  constructor(body: LengthsBody) {
    this.#body = body
  }

  get usageFinal(): boolean {
    return this.usage !== null
  }

  push(frame: Uint8Array): Uint8Array {
    this.sawContent = true
    const used = readFrame(frame)
    if (used === null) return frame
    const { cachedTokens: cachedInputTokens, outputTokens } = used
    this.contentBytes = outputTokens * BYTES_PER_TOKEN
    this.usage = {
      inputTokens: this.#body.inputTokens,
      cachedInputTokens,
      cacheWrite5mTokens: 0,
      cacheWrite1hTokens: 0,
      outputTokens,
      reasoningTokens: 0,
      source: 'reported',
    }
    return frame
  }

  finish(): StreamEnd {
    return this.usage === null ? BROKEN : WHOLE
  }

  endAtLimit(): StreamEnd {
    return BROKEN
  }
}

/** How lengths look on the wire: every request is a streamed chat, and a refusal of an engine says that a prompt is too long. */
export const LENGTHS_WIRE: Wire = {
  endpoint: 'chat/completions',
  parseBody: () => ({ fault: 'a rehearsal makes its requests itself' }),
  readAnswer: () => ({ usage: null, contentBytes: 0, sound: false, error: false }),
  openStream: body => new LengthsReader(body as LengthsBody),
  follow: () => null,
  saysTooLong: status => status === TOO_LONG_STATUS,
  refusesPrefill: () => false,
  closingComment: () => NO_BYTES,
  streamError: () => NO_BYTES,
}

/** The status by which a modelled engine refuses a prompt that is longer than its context. */
export const TOO_LONG_STATUS = 400

const REFUSAL = { status: 503, headers: NO_HEADERS, body: NO_BYTES }

/** A caller whom nobody has to be polite to: what became of a call, its record says. */
export const LENGTHS_DIALECT: CallerDialect = {
  name: 'openai',
  requestIdHeader: 'x-request-id',
  refusal: () => REFUSAL,
  answerHeaders: () => NO_HEADERS,
  rateLimitHeaders: () => NO_HEADERS,
}
