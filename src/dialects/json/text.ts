/** The value of a string that lies in valid JSON, its quotes included. */
export function stringAt(bytes: Uint8Array, at: number, end: number, escaped: boolean): string {
  const buffer = asBuffer(bytes)
  if (escaped) return JSON.parse(buffer.toString('utf8', at, end)) as string
  return buffer.toString('utf8', at + 1, end - 1)
}

/** The value of a number that lies in valid JSON. */
export function numberAt(bytes: Uint8Array, at: number, end: number): number {
  let value = 0
  // Plain digits, as nearly all of them are, need no text in between while they are exact.
  for (let i = at; i < end; i++) {
    const digit = bytes[i]! - 0x30
    if (digit < 0 || digit > 9 || end - at > 15) return Number(asBuffer(bytes).toString('latin1', at, end))
    value = value * 10 + digit
  }
  return value
}

/** The same memory as a Buffer, whose searches are native. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Where bytes stop being UTF-8; their length when they are. */
export function invalidUtf8At(bytes: Uint8Array): number {
  let at = 0
  while (at < bytes.length) {
    const width = sequenceAt(bytes, at)
    if (width === 0) return at
    at += width
  }
  return at
}

/** How many bytes the character at `at` takes; 0 when there is none. */
function sequenceAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!
  if (lead < 0x80) return 1
  if (lead < 0xc2 || lead > 0xf4) return 0
  const width = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  for (let i = 1; i < width; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  const second = bytes[at + 1]!
  // Overlong spellings, surrogates, and what lies above U+10FFFF.
  if (lead === 0xe0 && second < 0xa0) return 0
  if (lead === 0xed && second > 0x9f) return 0
  if (lead === 0xf0 && second < 0x90) return 0
  return lead === 0xf4 && second > 0x8f ? 0 : width
}

/** One byte as a fault's sentence shows it. */
export function shownByte(byte: number | undefined): string {
  if (byte === undefined) return 'the end'
  if (byte > 0x20 && byte < 0x7f) return `'${String.fromCharCode(byte)}'`
  return `byte 0x${byte.toString(16).padStart(2, '0')}`
}
