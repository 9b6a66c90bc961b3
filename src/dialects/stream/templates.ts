import { JsonScan, type MemberVisitor } from '../json/scan.ts'
import { stringAt } from '../json/text.ts'
import type { ContentPlace } from './events.ts'
import { FrameTemplate, type Hole } from './template.ts'

/** Forms kept of one stream: text, reasoning, a tool's arguments, and one to spare. */
const MAX_TEMPLATES = 4
/** Frames beyond this length are not learnt from; what surrounds their content is a small part of them anyway. */
const MAX_LEARNT_BYTES = 2_048
/** A stream whose frames never repeat is not learnt from for ever, only now and then. */
const EAGER_LESSONS = 16
const LATER_LESSON_EVERY = 64

/** Members beside the content whose values change from frame to frame and matter to nobody here: of the event, of its first choice. */
const VOLATILE: ReadonlySet<string> = new Set(['sequence_number', 'created', 'obfuscation', 'logprobs', 'timings'])
const VOLATILE_OF_CHOICE: ReadonlySet<string> = new Set(['logprobs', 'token_ids'])

const NO_SCAN = new JsonScan(Buffer.alloc(0))

/** The forms of content frames that one stream has shown. */
export class FrameTemplates {
  /** Bytes of content in the frame that matched last. */
  contentBytes = 0
  #templates: FrameTemplate[] = []
  #offers = 0
  #scan = NO_SCAN

  /**
   * @param text of `bytes` as Latin-1
   * @returns the offset behind the content frame that begins at `from`; -1 when it must be read
   */
  match(text: string, bytes: Buffer, from: number): number {
    const templates = this.#templates
    if (templates.length === 0) return -1
    if (this.#scan.bytes !== bytes) this.#scan = new JsonScan(bytes)
    for (let i = 0; i < templates.length; i++) {
      const template = templates[i]!
      const end = template.match(text, from, this.#scan)
      if (end < 0) continue
      if (i > 0) {
        templates[i] = templates[0]!
        templates[0] = template
      }
      this.contentBytes = template.contentBytes
      return end
    }
    return -1
  }

  /** Lets go of the bytes that were matched last, lest an idle stream keep its latest chunk alive. */
  release(): void {
    this.#scan = NO_SCAN
  }

  /**
   * Learns the form of a content frame that was read in full.
   *
   * @param dataAt where its JSON begins
   * @param places where its content lies
   */
  learn(frame: string, dataAt: number, places: readonly ContentPlace[]): void {
    if (frame.length > MAX_LEARNT_BYTES) return
    this.#offers++
    if (this.#offers > EAGER_LESSONS && this.#offers % LATER_LESSON_EVERY !== 0) return
    // A copy, lest the form keep alive the text of the whole chunk that the frame is a part of.
    const copy = Buffer.from(frame, 'latin1')
    const holes = holesOf(copy, dataAt, places)
    if (holes === null) return
    const template = new FrameTemplate(copy.toString('latin1'), holes)
    if (template.match(frame, 0, new JsonScan(copy)) !== frame.length) return
    this.#templates = [template, ...this.#templates.slice(0, MAX_TEMPLATES - 1)]
  }
}

function holesOf(frame: Buffer, dataAt: number, places: readonly ContentPlace[]): readonly Hole[] | null {
  const holes: Hole[] = []
  addVolatile(holes, spansOf(frame, dataAt), VOLATILE)
  const choice = spanAt(frame, dataAt, ['choices', '0'])
  if (choice !== null && frame[choice.at] === 0x7b) addVolatile(holes, spansOf(frame, choice.at), VOLATILE_OF_CHOICE)
  for (const { path, counted } of places) {
    const span = spanAt(frame, dataAt, path)
    if (span === null || frame[span.at] !== 0x22) return null
    holes.push({ at: span.at + 1, end: span.end - 1, kind: 'text', counted })
  }
  return holes.sort((one, other) => one.at - other.at)
}

function addVolatile(holes: Hole[], spans: ReadonlyMap<string, Span>, names: ReadonlySet<string>): void {
  for (const [name, span] of spans) {
    if (names.has(name)) holes.push({ ...span, kind: 'value', counted: false })
  }
}

interface Span {
  readonly at: number
  readonly end: number
}

/** Where a value lies, reached by names of members and first elements of lists. */
function spanAt(frame: Buffer, from: number, path: readonly string[]): Span | null {
  let span: Span = { at: from, end: frame.length }
  for (const step of path) {
    if (step === '0') {
      if (frame[span.at] !== 0x5b) return null
      span = { at: new JsonScan(frame).space(span.at + 1), end: span.end }
      continue
    }
    const next = frame[span.at] === 0x7b ? spansOf(frame, span.at).get(step) : undefined
    if (next === undefined) return null
    span = next
  }
  return span
}

/** Where the members of the object at `from` lie; of two with one name, the last. */
function spansOf(frame: Buffer, from: number): ReadonlyMap<string, Span> {
  const spans = new Map<string, Span>()
  const visitor: MemberVisitor = {
    member(keyAt, keyEnd, at, end, escaped) {
      spans.set(stringAt(frame, keyAt, keyEnd, escaped), { at, end })
    },
  }
  new JsonScan(frame).object(from, 1, -1, visitor)
  return spans
}
