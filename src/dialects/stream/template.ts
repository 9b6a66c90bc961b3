import type { JsonScan } from '../json/scan.ts'

/** A place in a frame that differs from one frame to the next. */
export interface Hole {
  readonly at: number
  readonly end: number
  /** `text` is the inside of a string, without its quotes; `value` any JSON, of which only the grammar matters. */
  readonly kind: 'text' | 'value'
  /** Whether its bytes are content; only those of a text are. */
  readonly counted: boolean
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20
const LOWER_U = 0x75
/** After a backslash: " \ / b f n r t. */
const ESCAPED = new Set([0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74])

/**
 * The form of a content frame that was read in full once. A frame with the same bytes around its holes, and valid
 * JSON in each of them, is the same JSON but for those values: it is content and nothing else, without
 * being parsed. Texts are Latin-1, one character a byte.
 */
export class FrameTemplate {
  /** Bytes of content in the frame that matched last. */
  contentBytes = 0
  readonly #first: string
  readonly #holes: readonly Hole[]
  /** What stands behind each hole. */
  readonly #behind: readonly string[]
  #holeEnd = 0

  /** @param holes in order of their place */
  constructor(frame: string, holes: readonly Hole[]) {
    this.#first = frame.slice(0, holes[0]!.at)
    this.#holes = holes
    this.#behind = holes.map((hole, i) => frame.slice(hole.end, holes[i + 1]?.at ?? frame.length))
  }

  /**
   * @param scan of the same bytes as `text`
   * @returns the offset behind the frame that begins at `from`, -1 when it has another form or is not complete
   */
  match(text: string, from: number, scan: JsonScan): number {
    let at = from + this.#first.length
    if (text.substring(from, at) !== this.#first) return -1
    let bytes = 0
    for (let i = 0; i < this.#holes.length; i++) {
      const { kind, counted } = this.#holes[i]!
      if (kind === 'value') this.#holeEnd = scan.value(at, 1, -1)
      else {
        const size = this.#readText(text, at)
        if (counted) bytes += size
      }
      if (this.#holeEnd < 0) return -1
      const behind = this.#behind[i]!
      at = this.#holeEnd + behind.length
      if (text.substring(this.#holeEnd, at) !== behind) return -1
    }
    this.contentBytes = bytes
    return at
  }

  /** Reads a string up to its closing quote, whose place goes to `#holeEnd`. @returns its bytes of UTF-8 */
  #readText(text: string, from: number): number {
    let escaped = 0
    let at = from
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) {
        this.#holeEnd = at
        return at - from - escaped
      }
      if (code < SPACE) break
      if (code !== BACKSLASH) continue
      const next = text.charCodeAt(at + 1)
      if (next === LOWER_U) {
        const bytes = unicodeEscapeBytes(text, at + 2)
        if (bytes < 0) break
        escaped += 6 - bytes
        at += 5
      } else if (ESCAPED.has(next)) {
        escaped++
        at++
      } else break
    }
    this.#holeEnd = -1
    return 0
  }
}

/** How many bytes of UTF-8 the character of four hexadecimal digits takes, -1 when they are none; half a pair takes two. */
function unicodeEscapeBytes(text: string, at: number): number {
  const digits = text.substring(at, at + 4)
  if (!/^[0-9a-fA-F]{4}$/.test(digits)) return -1
  const code = Number.parseInt(digits, 16)
  if (code < 0x80) return 1
  return code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3
}
