import { JsonScan, type MemberVisitor } from '../json/scan.ts'
import { stringAt } from '../json/text.ts'
import type { Edit } from './splice.ts'

/** What a caller's `stream_options` say, and what must change in them so that the upstream reports usage. */
export interface StreamOptions {
  readonly wantsUsage: boolean
  readonly edits: readonly Edit[]
}

/** Members that the options may have; there are two in the field. */
const MAX_MEMBERS = 64

const WHOLE = Buffer.from('{"include_usage":true}')
const ONLY_MEMBER = Buffer.from('"include_usage":true')
const FIRST_MEMBER = Buffer.from('"include_usage":true,')
const TRUE = Buffer.from('true')

/** @returns the options, or what was expected instead */
export function streamOptionsAt(bytes: Buffer, at: number, end: number): StreamOptions | string {
  if (bytes[at] === 0x6e) return { wantsUsage: false, edits: [{ at, end, text: WHOLE }] }
  if (bytes[at] !== 0x7b) return 'an object or null'
  const found = new IncludeUsage(bytes)
  new JsonScan(bytes).object(at, 1, -1, found)
  if (found.expected !== null) return found.expected
  const edits = found.edits
  if (found.wantsUsage === null) {
    edits.push({ at: at + 1, end: at + 1, text: found.others ? FIRST_MEMBER : ONLY_MEMBER })
  }
  return { wantsUsage: found.wantsUsage ?? false, edits }
}

class IncludeUsage implements MemberVisitor {
  /** Null while there is no such member. */
  wantsUsage: boolean | null = null
  /** What was expected, when it is something else. */
  expected: string | null = null
  others = false
  readonly edits: Edit[] = []
  readonly #bytes: Buffer
  #members = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  member(keyAt: number, keyEnd: number, valueAt: number, valueEnd: number, escaped: boolean): void {
    if (++this.#members > MAX_MEMBERS) {
      this.expected = `an object of at most ${MAX_MEMBERS} members`
      return
    }
    if (stringAt(this.#bytes, keyAt, keyEnd, escaped) !== 'include_usage') {
      this.others = true
      return
    }
    const first = this.#bytes[valueAt]
    if (first !== 0x74 && first !== 0x66 && first !== 0x6e) {
      this.expected = "an object whose 'include_usage' is true or false"
    }
    this.wantsUsage = first === 0x74
    if (first !== 0x74) this.edits.push({ at: valueAt, end: valueEnd, text: TRUE })
  }
}
