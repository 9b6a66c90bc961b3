/** How deep objects and arrays may be nested; no request of the field's comes near, and servers behind us have bounds of their own. */
export const MAX_NESTING = 256

/** A string is looked through byte by byte up to this length, then four bytes at a time. */
const BYTEWISE_BYTES = 32
/** Strings below this length are not worth the question whether they are an image. */
export const MIN_PAYLOAD_BYTES = 1_024

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const ZERO = 0x30
const NINE = 0x39
const MINUS = 0x2d
const DOT = 0x2e
const HIGH_BITS = 0x80808080 | 0

const LITERALS: ReadonlyMap<number, Uint8Array> = new Map(
  ['true', 'false', 'null'].map(text => [text.charCodeAt(0), Buffer.from(text)]),
)

/** 1 for the bytes of this text, 0 for all others. */
function tableOf(text: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const byte of Buffer.from(text)) table[byte] = 1
  return table
}
const HEX_DIGITS = tableOf('0123456789abcdefABCDEF')
/** What may follow a backslash besides `u`. */
const ESCAPE_KINDS = tableOf('"\\/bfnrt')

/** Sees the members of one object. Offsets are those of the scanned bytes; those of keys and strings include their quotes. */
export interface MemberVisitor {
  /** @param escaped whether the key is spelled with escapes */
  member(keyAt: number, keyEnd: number, valueAt: number, valueEnd: number, escaped: boolean): void
}

/** Sees what may be no text: long strings and the members called `type`. `scopeAt` is the key of the object around, or -1. */
export interface PayloadObserver {
  payload(scopeAt: number, keyAt: number, valueAt: number, valueEnd: number): void
  typed(valueAt: number, valueEnd: number): void
}

/**
 * Checks JSON (RFC 8259, strictly) on its bytes in one pass and tells where the members of an object lie. Nothing is
 * decoded and nothing is copied. Every method takes the offset where something begins and returns the one behind it,
 * or -1 after it noted in `faultAt` and `expected` what is wrong. Whether strings are valid UTF-8 is another question,
 * which `isUtf8` answers at tens of bytes a nanosecond.
 */
export class JsonScan {
  readonly bytes: Uint8Array
  faultAt = -1
  /** What stands at `faultAt` in valid JSON, for a sentence that begins with "expected". */
  expected = ''
  /** Bytes of white space between tokens so far. */
  blanks = 0
  /** Those of them inside the value that a visitor is shown. */
  valueBlanks = 0
  /** Whether the string read last is spelled with escapes. */
  escaped = false
  readonly #observer: PayloadObserver | null
  #view: DataView | null = null

  constructor(bytes: Uint8Array, observer: PayloadObserver | null = null) {
    this.bytes = bytes
    this.#observer = observer
  }

  /** A whole text whose value is an object, with white space around it and nothing else. */
  document(visitor: MemberVisitor): boolean {
    const at = this.space(0)
    if (this.bytes[at] !== OPEN_BRACE) this.fault(at, "'{'")
    else {
      const end = this.object(at, 1, -1, visitor)
      if (end < 0) return false
      const rest = this.space(end)
      if (rest < this.bytes.length) this.fault(rest, 'the end of the text')
    }
    return this.faultAt < 0
  }

  fault(at: number, expected: string): -1 {
    this.faultAt = at
    this.expected = expected
    return -1
  }

  space(from: number): number {
    const { bytes } = this
    let at = from
    let byte = bytes[at]
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at]
    this.blanks += at - from
    return at
  }

  object(from: number, depth: number, scopeAt: number, visitor: MemberVisitor | null): number {
    const { bytes } = this
    if (depth > MAX_NESTING) return this.fault(from, `at most ${MAX_NESTING} levels of nesting`)
    let at = from + 1
    if (bytes[at]! <= 0x20) at = this.space(at)
    if (bytes[at] === CLOSE_BRACE) return at + 1
    for (;;) {
      if (bytes[at] !== QUOTE) return this.fault(at, 'a key in double quotes')
      const keyAt = at
      at = this.string(at)
      if (at < 0) return -1
      const keyEnd = at
      const { escaped } = this
      if (bytes[at] !== COLON) {
        at = this.space(at)
        if (bytes[at] !== COLON) return this.fault(at, "':'")
      }
      at++
      if (bytes[at]! <= 0x20) at = this.space(at)
      const valueAt = at
      const blanksBefore = this.blanks
      at = this.value(at, depth, keyAt)
      if (at < 0) return -1
      if (visitor !== null) {
        this.valueBlanks = this.blanks - blanksBefore
        visitor.member(keyAt, keyEnd, valueAt, at, escaped)
      }
      if (this.#observer !== null && bytes[valueAt] === QUOTE) this.#observe(scopeAt, keyAt, keyEnd, valueAt, at)
      if (bytes[at]! <= 0x20) at = this.space(at)
      if (bytes[at] === CLOSE_BRACE) return at + 1
      if (bytes[at] !== COMMA) return this.fault(at, "',' or '}'")
      at++
      if (bytes[at]! <= 0x20) at = this.space(at)
    }
  }

  array(from: number, depth: number): number {
    const { bytes } = this
    if (depth > MAX_NESTING) return this.fault(from, `at most ${MAX_NESTING} levels of nesting`)
    let at = from + 1
    if (bytes[at]! <= 0x20) at = this.space(at)
    if (bytes[at] === CLOSE_BRACKET) return at + 1
    for (;;) {
      at = this.value(at, depth, -1)
      if (at < 0) return -1
      if (bytes[at]! <= 0x20) at = this.space(at)
      if (bytes[at] === CLOSE_BRACKET) return at + 1
      if (bytes[at] !== COMMA) return this.fault(at, "',' or ']'")
      at++
      if (bytes[at]! <= 0x20) at = this.space(at)
    }
  }

  /** @param depth levels of nesting around the value; @param keyAt the key that names it, -1 in an array */
  value(at: number, depth: number, keyAt: number): number {
    const byte = this.bytes[at]
    if (byte === QUOTE) return this.string(at)
    if (byte === OPEN_BRACE) return this.object(at, depth + 1, keyAt, null)
    if (byte === OPEN_BRACKET) return this.array(at, depth + 1)
    if (byte === MINUS || (byte! >= ZERO && byte! <= NINE)) return this.number(at)
    const literal = byte === undefined ? undefined : LITERALS.get(byte)
    if (literal === undefined) return this.fault(at, 'a value')
    for (let i = 1; i < literal.length; i++) {
      if (this.bytes[at + i] !== literal[i]) return this.fault(at, 'a value')
    }
    return at + literal.length
  }

  number(from: number): number {
    const { bytes } = this
    let at = bytes[from] === MINUS ? from + 1 : from
    at = bytes[at] === ZERO ? at + 1 : this.#digits(at)
    if (at >= 0 && bytes[at] === DOT) at = this.#digits(at + 1)
    if (at < 0) return -1
    const byte = bytes[at]
    if (byte !== 0x65 && byte !== 0x45) return at
    const sign = bytes[at + 1]
    return this.#digits(sign === MINUS || sign === 0x2b ? at + 2 : at + 1)
  }

  #digits(from: number): number {
    const { bytes } = this
    let at = from
    while (bytes[at]! >= ZERO && bytes[at]! <= NINE) at++
    return at > from ? at : this.fault(at, 'a digit')
  }

  string(from: number): number {
    const { bytes } = this
    const near = Math.min(bytes.length, from + BYTEWISE_BYTES)
    this.escaped = false
    for (let at = from + 1; at < near; at++) {
      const byte = bytes[at]!
      if (byte === QUOTE) return at + 1
      if (byte < 0x20 || byte === BACKSLASH) return this.#longString(at)
    }
    return this.#longString(near)
  }

  /** The rest of a string, four bytes at a time: a word without a quote, a backslash or a control character is passed over. */
  #longString(from: number): number {
    const { bytes } = this
    const { length } = bytes
    if (this.#view === null) this.#view = new DataView(bytes.buffer, bytes.byteOffset, length)
    const view = this.#view
    let at = from
    while (at < length) {
      while (at + 4 <= length) {
        const four = view.getInt32(at, true)
        const quote = four ^ 0x22222222
        const slash = four ^ 0x5c5c5c5c
        const below = (four - 0x20202020) & ~four
        const hit = (below | ((quote - 0x01010101) & ~quote) | ((slash - 0x01010101) & ~slash)) & HIGH_BITS
        if (hit !== 0) {
          // The lowest bit that is set is that of the first such byte; those above it may be wrong.
          at += (31 - Math.clz32(hit & -hit)) >> 3
          break
        }
        at += 4
      }
      const byte = bytes[at]!
      if (byte === QUOTE) return at + 1
      if (byte < 0x20) return this.#control(at)
      if (byte !== BACKSLASH) at++
      // Escapes come in rows, as in JSON inside JSON.
      while (bytes[at] === BACKSLASH) {
        at = this.#escape(at)
        if (at < 0) return -1
      }
    }
    return this.fault(length, 'the closing quote of a string')
  }

  #control(at: number): -1 {
    return this.fault(at, 'no raw control character in a string, but its escape')
  }

  #escape(at: number): number {
    const { bytes } = this
    this.escaped = true
    const kind = bytes[at + 1]!
    if (kind === 0x75) {
      for (let i = at + 2; i < at + 6; i++) {
        if (!(HEX_DIGITS[bytes[i]!]! > 0)) return this.fault(i, 'four hexadecimal digits')
      }
      return at + 6
    }
    if (ESCAPE_KINDS[kind]! > 0) return at + 2
    return this.fault(at, 'an escape such as \\n, \\" or \\u00e9')
  }

  #observe(scopeAt: number, keyAt: number, keyEnd: number, valueAt: number, valueEnd: number): void {
    const { bytes } = this
    if (valueEnd - valueAt >= MIN_PAYLOAD_BYTES) this.#observer!.payload(scopeAt, keyAt, valueAt, valueEnd)
    // "type", and the t settles it for most keys of that length.
    else if (keyEnd - keyAt === 6 && bytes[keyAt + 1] === 0x74) this.#observer!.typed(valueAt, valueEnd)
  }
}
