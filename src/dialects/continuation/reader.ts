import type { ContinuationReader, StreamEnd } from '../../ports/wire.ts'
import type { Usage } from '../../vocabulary/usage.ts'
import { asBuffer } from '../json/text.ts'
import type { StreamEvents } from '../stream/events.ts'
import { EventStreamReader } from '../stream/reader.ts'
import { framesOf } from './frames.ts'
import type { Splice } from './told.ts'

const NOTHING: StreamEnd = { whole: false, beforeComment: null, lastEvent: null }

/**
 * Reads the stream of the upstream that goes on. What it tells of the stream is that of the new one alone, held and
 * dropped content included, so that it can be metered and timed as any other; what it shows goes on from what was shown.
 */
export class JoinedReader implements ContinuationReader {
  readonly #own: EventStreamReader
  readonly #splice: Splice
  #isShowing = false
  #end: StreamEnd | null = null

  constructor(events: StreamEvents, splice: Splice) {
    this.#own = new EventStreamReader(events)
    this.#splice = splice
  }

  get disagrees(): boolean {
    return this.#splice.disagrees
  }

  get sawContent(): boolean {
    return this.#own.sawContent
  }

  get ended(): boolean {
    return this.#own.ended
  }

  get sawError(): boolean {
    return this.#own.sawError
  }

  get malformed(): boolean {
    return this.#own.malformed
  }

  get usage(): Usage | null {
    return this.#own.usage
  }

  get usageFinal(): boolean {
    return this.#own.usageFinal
  }

  get contentBytes(): number {
    return this.#own.contentBytes
  }

  push(chunk: Uint8Array): Uint8Array | null {
    return this.#spliced(this.#own.push(chunk))
  }

  finish(): StreamEnd {
    this.#end ??= this.#finish()
    return this.#end
  }

  endAtLimit(usage: Usage): StreamEnd {
    if (this.#own.ended || this.#end !== null) return this.finish()
    this.#own.endAtLimit(usage)
    const { before, last } = this.#splice.endAtLimit(usage)
    this.#end = { whole: true, beforeComment: bytesOf(before), lastEvent: bytesOf(last) }
    return this.#end
  }

  #finish(): StreamEnd {
    const { whole, beforeComment, lastEvent } = this.#own.finish()
    const before = this.#spliced(beforeComment)
    const held = whole ? bytesOf(this.#splice.end()) : null
    if (this.disagrees) return NOTHING
    const last = whole ? (lastEvent ?? bytesOf(this.#splice.ending ?? '')) : lastEvent
    return { whole, beforeComment: joined(before, held), lastEvent: last }
  }

  #spliced(bytes: Uint8Array | null): Uint8Array | null {
    if (bytes === null || this.disagrees) return null
    const shown: Uint8Array[] = []
    for (const frame of framesOf(asBuffer(bytes))) {
      if (frame.data !== null) {
        const told = bytesOf(this.#splice.take(frame.data))
        if (told !== null) shown.push(told)
        this.#isShowing ||= told !== null
      } else if (this.#isShowing) shown.push(frame.bytes)
    }
    if (shown.length === 0) return null
    return shown.length === 1 ? shown[0]! : Buffer.concat(shown)
  }
}

function bytesOf(text: string): Buffer | null {
  return text === '' ? null : Buffer.from(text)
}

function joined(one: Uint8Array | null, other: Uint8Array | null): Uint8Array | null {
  return one === null || other === null ? (one ?? other) : Buffer.concat([one, other])
}
