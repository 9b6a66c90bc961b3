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

/** Members beside the content whose value changes from frame to frame. */
const VOLATILE: ReadonlySet<string> = new Set(['sequence_number', 'created', 'obfuscation'])

/** The forms of content frames that one stream has shown. */
export class FrameTemplates {
  /** Bytes of content in the frame that matched last. */
  contentBytes = 0
  #templates: FrameTemplate[] = []
  #offers = 0

  /** @returns the offset behind the content frame that begins at `from`; -1 when it must be read */
  match(text: string, from: number): number {
    const templates = this.#templates
    for (let i = 0; i < templates.length; i++) {
      const template = templates[i]!
      const end = template.match(text, from)
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
    if (template.match(frame, 0) !== frame.length) return
    this.#templates = [template, ...this.#templates.slice(0, MAX_TEMPLATES - 1)]
  }
}

function holesOf(frame: Buffer, dataAt: number, places: readonly ContentPlace[]): readonly Hole[] | null {
  const holes: Hole[] = []
  const top = spansOf(frame, dataAt)
  for (const [name, span] of top) if (VOLATILE.has(name)) holes.push(holeOf(frame, span, false))
  for (const { path, counted } of places) {
    const span = spanAt(frame, dataAt, path)
    if (span === null || frame[span.at] !== 0x22) return null
    holes.push(holeOf(frame, span, counted))
  }
  return holes.filter(hole => hole.end >= hole.at).sort((one, other) => one.at - other.at)
}

interface Span {
  readonly at: number
  readonly end: number
}

function holeOf(frame: Buffer, { at, end }: Span, counted: boolean): Hole {
  if (frame[at] === 0x22) return { at: at + 1, end: end - 1, kind: 'text', counted }
  return { at, end, kind: 'number', counted }
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
