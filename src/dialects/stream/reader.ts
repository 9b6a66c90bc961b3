import type { StreamEnd, StreamReader } from '../../ports/wire.ts'
import type { Usage } from '../../vocabulary/usage.ts'
import { JsonScan, type MemberVisitor } from '../json/scan.ts'
import { asBuffer } from '../json/text.ts'
import { objectIn, type Report } from '../usage/counts.ts'
import type { StreamEvents, Verdict } from './events.ts'
import { readFrame } from './frame.ts'
import { FrameEnds } from './frame-ends.ts'
import { HeldBytes } from './held.ts'
import { Naming } from './naming.ts'
import { FrameTemplates } from './templates.ts'

/** The largest frame that is waited for; a stream with a larger one is malformed. */
export const MAX_FRAME_BYTES = 16_000_000

/** A comment before the first content is held up to this length; what is longer is waited for without holding it. */
const MAX_COMMENT_BYTES = 65_536
const COMMENT = Buffer.from(':')
/** How data begins that was meant to be read: an object, or a list that may hold content as well. */
const BEGINS_CONTENT = /^\s*[[{]/
/** Data up to this length is parsed as it is. */
const MAX_UNCHECKED_BYTES = 65_536
const NOBODY: MemberVisitor = { member() {} }

const LF = 0x0a
const CR = 0x0d
const COLON = 0x3a
const NOTHING = Buffer.alloc(0)

/**
 * Reads an event stream in passing. Only whole frames are shown: what a client could not read yet may wait for its end,
 * and half a frame must never be the last thing that it sees. Bytes that nothing has to be taken out of are returned as
 * they came, and content frames are recognised by the form of those before them, without being parsed.
 *
 * Before the first content, comments and blank lines are left out: whoever holds back what comes before the first
 * content shall not have to hoard a flood of them.
 */
export class EventStreamReader implements StreamReader {
  ended = false
  malformed = false
  /** Frames that were not shown because no client could read them: their data is no JSON object. */
  unreadableFrames = 0
  readonly #events: StreamEvents
  readonly #withholds: boolean
  readonly #templates = new FrameTemplates()
  readonly #ends = new FrameEnds()
  readonly #held = new HeldBytes()
  readonly #naming = new Naming()
  #templateBytes = 0
  /** Frames that were recognised without being read. */
  #passed = 0
  /** What is held is a comment whose line goes on, before the first content. */
  #inComment = false
  #last: Uint8Array | null = null
  #end: StreamEnd | null = null

  /** @param withholds whether nothing is shown before the first content, so that comments until then are for nobody */
  constructor(events: StreamEvents, withholds = true) {
    this.#events = events
    this.#withholds = withholds
  }

  /** What comes now is not shown before there is content, if it ever is. */
  get #isWithheld(): boolean {
    return this.#withholds && !this.#events.sawContent
  }

  get sawContent(): boolean {
    return this.#events.sawContent
  }

  get sawError(): boolean {
    return this.#events.sawError
  }

  get usage(): Usage | null {
    return this.#events.usage
  }

  get usageFinal(): boolean {
    return this.#events.usageFinal
  }

  get contentBytes(): number {
    return this.#events.contentBytes + this.#templateBytes
  }

  push(chunk: Uint8Array): Uint8Array | null {
    if (this.ended || chunk.length === 0) return null
    const bytes = asBuffer(chunk)
    if (this.#held.length === 0) return this.#readFrames(bytes)
    const end = this.#ends.find(bytes, 0)
    if (end < 0) return this.#hold(bytes, 0)
    const frame = this.#held.take(bytes, end)
    const shown = this.#readHeld(frame) ? frame : null
    this.#templates.release()
    if (this.ended || end === bytes.length) return shown
    const rest = this.#readFrames(bytes.subarray(end))
    if (shown === null || rest === null) return shown ?? rest
    return Buffer.concat([shown, rest])
  }

  finish(): StreamEnd {
    if (this.#end !== null) return this.#end
    const beforeComment = this.ended ? null : this.#readRest()
    this.ended = true
    this.#held.drop()
    const whole = this.#events.whole && !this.malformed
    this.#end = { whole, beforeComment, lastEvent: this.#last }
    return this.#end
  }

  endAtLimit(usage: Usage): StreamEnd {
    if (this.ended) return this.finish()
    this.ended = true
    this.#held.drop()
    const { before, last } = this.#events.endAtLimit(usage, this.#naming.read(), this.#passed)
    const beforeComment = before === '' ? null : Buffer.from(before)
    this.#end = { whole: true, beforeComment, lastEvent: Buffer.from(last) }
    return this.#end
  }

  /** Bytes that begin with a frame. */
  #readFrames(bytes: Buffer): Uint8Array | null {
    const text = bytes.toString('latin1')
    const pieces: Uint8Array[] = []
    let shownTo = 0
    let at = 0
    while (at < bytes.length) {
      const next = this.#templates.match(text, bytes, at)
      if (next > 0) {
        this.#templateBytes += this.#templates.contentBytes
        this.#passed++
        at = next
        continue
      }
      // A blank line where a frame could begin says nothing, and a flood of them shall cost nothing.
      if (bytes[at] === LF || bytes[at] === CR) {
        if (this.#isWithheld) {
          if (at > shownTo) pieces.push(bytes.subarray(shownTo, at))
          shownTo = at + 1
        }
        at++
        continue
      }
      const end = this.#ends.find(bytes, at)
      if (end < 0) {
        this.#hold(bytes, at)
        break
      }
      const verdict = this.#readFrame(text.slice(at, end))
      if (verdict !== 'show') {
        if (at > shownTo) pieces.push(bytes.subarray(shownTo, at))
        shownTo = end
      }
      if (verdict === 'last') this.#last = bytes.subarray(at, end)
      if (this.ended) break
      at = end
    }
    this.#templates.release()
    if (shownTo === 0 && at === bytes.length) return bytes
    if (at > shownTo) pieces.push(bytes.subarray(shownTo, at))
    if (pieces.length < 2) return pieces[0] ?? null
    return Buffer.concat(pieces)
  }

  /** @returns whether the frame may be shown */
  #readHeld(frame: Buffer): boolean {
    const text = frame.toString('latin1')
    if (this.#templates.match(text, frame, 0) === text.length) {
      this.#templateBytes += this.#templates.contentBytes
      this.#passed++
      return true
    }
    const verdict = this.#readFrame(text)
    if (verdict === 'last') this.#last = frame
    return verdict === 'show'
  }

  /** @param brokeOff whether the body ended before the frame did, so that what can't be read is only cut off */
  #readFrame(text: string, brokeOff = false): Verdict {
    const { event, data, dataAt } = readFrame(text)
    // Comments, ids, and times to wait before the next attempt.
    if (data === null) return this.#isWithheld ? 'drop' : 'show'
    if (this.#events.isTerminal(data)) {
      this.ended = true
      return 'last'
    }
    const report = parse(data)
    if (report === undefined && !brokeOff && BEGINS_CONTENT.test(data) && !data.startsWith('[DONE]')) {
      this.malformed = true
      this.ended = true
      return 'drop'
    }
    if (report === undefined || report === null) {
      this.unreadableFrames++
      return 'drop'
    }
    const verdict = this.#events.read(report, event, this.#passed)
    if (this.#events.namesAnswer && !this.#naming.isKept) this.#naming.keep(data)
    if (verdict === 'last') this.ended = true
    else if (this.#events.places !== null && dataAt >= 0) this.#templates.learn(text, dataAt, this.#events.places)
    return verdict
  }

  #hold(bytes: Buffer, from: number): null {
    const begins = this.#held.length === 0 ? bytes[from] === COLON : this.#inComment
    this.#inComment = begins && this.#isWithheld && bytes.indexOf(LF, from) < 0 && bytes.indexOf(CR, from) < 0
    const length = this.#held.length + bytes.length - from
    if (this.#inComment && length > MAX_COMMENT_BYTES) {
      // It will not be shown, and the colon says all that has to be known of it.
      this.#held.drop()
      this.#held.add(COMMENT, 0)
    } else if (length > MAX_FRAME_BYTES) {
      this.malformed = true
      this.ended = true
      this.#held.drop()
    } else this.#held.add(bytes, from)
    return null
  }

  /** What came last without the blank line that ends a frame: it is completed if it can be read, and not shown otherwise. */
  #readRest(): Uint8Array | null {
    if (this.#held.length === 0) return null
    const frame = this.#held.take(NOTHING, 0)
    const text = frame.toString('latin1')
    if (readFrame(text).data === null) return null
    const verdict = this.#readFrame(text, true)
    if (verdict === 'drop') return null
    const endsLine = text.endsWith('\n') || text.endsWith('\r')
    const whole = Buffer.concat([frame, Buffer.from(endsLine ? '\n' : '\n\n')])
    if (verdict === 'show') return whole
    this.#last = whole
    return null
  }
}

/**
 * The data of a frame as an object; null when it is JSON of another kind, undefined when it can't be parsed. It is
 * Latin-1, so that only lengths and names can be read.
 */
function parse(data: string): Report | null | undefined {
  // Large data is looked through first, since nesting that is deep enough takes a second to parse.
  if (data.length > MAX_UNCHECKED_BYTES && !new JsonScan(Buffer.from(data, 'latin1')).document(NOBODY)) return undefined
  try {
    return objectIn(JSON.parse(data))
  } catch {
    return undefined
  }
}
