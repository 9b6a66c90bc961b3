import { ChatEvents } from '../../dialects/stream/chat-events.ts'
import type { StreamEvents } from '../../dialects/stream/events.ts'
import { readFrame } from '../../dialects/stream/frame.ts'
import { FrameEnds } from '../../dialects/stream/frame-ends.ts'
import { HeldBytes } from '../../dialects/stream/held.ts'
import { MessagesEvents } from '../../dialects/stream/messages-events.ts'
import { ResponsesEvents } from '../../dialects/stream/responses-events.ts'
import { objectIn } from '../../dialects/usage/counts.ts'
import type { Endpoint } from '../../vocabulary/dialect.ts'

/** A frame of an event stream on its way. */
export interface PassingFrame {
  readonly bytes: Uint8Array
  /** Whether a text, a call of a tool or reasoning is in it. */
  readonly hasContent: boolean
  /** Whether it ends the stream as its dialect wants it. */
  readonly isTerminal: boolean
}

/** What has no end after so many bytes goes on as it is. */
const MAX_FRAME_BYTES = 16_000_000

/** Cuts a stream into its frames, whatever way the bytes are split, and looks at what they are. */
export class PassingFrames {
  readonly #ends = new FrameEnds()
  readonly #held = new HeldBytes()
  readonly #events: StreamEvents

  constructor(endpoint: Endpoint) {
    this.#events = eventsOf(endpoint)
  }

  push(chunk: Uint8Array): readonly PassingFrame[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const frames: PassingFrame[] = []
    let from = 0
    for (let end = this.#ends.find(bytes, 0); end >= 0; end = this.#ends.find(bytes, from)) {
      // What was held ends with the first of them.
      frames.push(this.#look(this.#held.take(bytes.subarray(from), end - from)))
      from = end
    }
    if (from < bytes.length) this.#held.add(bytes, from)
    if (this.#held.length > MAX_FRAME_BYTES) frames.push(unread(this.rest()))
    return frames
  }

  /** What came behind the last frame. */
  rest(): Uint8Array {
    return this.#held.take(Buffer.alloc(0), 0)
  }

  #look(bytes: Buffer): PassingFrame {
    const { event, data } = readFrame(bytes.toString('latin1'))
    if (data === null) return unread(bytes)
    if (this.#events.isTerminal(data)) return { bytes, hasContent: false, isTerminal: true }
    const said = objectOf(data)
    if (said === null) return unread(bytes)
    const before = this.#events.contentBytes
    const verdict = this.#events.read(said, event, 0)
    const isTerminal = verdict === 'last' && !this.#events.sawError
    return { bytes, hasContent: this.#events.contentBytes > before, isTerminal }
  }
}

function unread(bytes: Uint8Array): PassingFrame {
  return { bytes, hasContent: false, isTerminal: false }
}

function objectOf(data: string) {
  try {
    return objectIn(JSON.parse(data))
  } catch {
    return null
  }
}

function eventsOf(endpoint: Endpoint): StreamEvents {
  switch (endpoint) {
    case 'messages':
    case 'messages/count_tokens':
      return new MessagesEvents()
    case 'responses':
      return new ResponsesEvents()
    case 'chat/completions':
    case 'embeddings':
      return new ChatEvents(true)
  }
}
