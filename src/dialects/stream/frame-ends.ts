const LF = 0x0a
const CR = 0x0d

/**
 * Finds where frames of an event stream end: behind the first blank line, whichever of LF, CRLF and CR ends the lines.
 * It remembers where it stands in a frame, so that every byte is looked at once however the bytes are split.
 */
export class FrameEnds {
  #lineHasBytes = false
  /** The byte before was a CR that ended a line; an LF that follows belongs to it. */
  #afterCr = false
  /** Lines of this frame end in CRLF, so that a CR at the end of a chunk waits for its LF. */
  #crlf = false
  #awaitsLf = false

  /** @returns the offset behind the frame that goes on at `from`; -1 when it goes on behind these bytes */
  find(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (this.#awaitsLf) return this.#end(byte === LF ? at + 1 : at)
      if (byte !== LF && byte !== CR) {
        this.#lineHasBytes = true
        this.#afterCr = false
        at = lastOfLine(bytes, at)
      } else if (byte === LF && this.#afterCr) {
        this.#afterCr = false
        this.#crlf = true
      } else if (this.#lineHasBytes) {
        this.#lineHasBytes = false
        this.#afterCr = byte === CR
        this.#crlf = false
      } else if (byte === LF) return this.#end(at + 1)
      else if (at + 1 < bytes.length) return this.#end(bytes[at + 1] === LF ? at + 2 : at + 1)
      else if (!this.#crlf) return this.#end(at + 1)
      else this.#awaitsLf = true
    }
    return -1
  }

  #end(at: number): number {
    this.#lineHasBytes = false
    this.#afterCr = false
    this.#crlf = false
    this.#awaitsLf = false
    return at
  }
}

/** The last byte before the next line end or the end of the bytes. */
function lastOfLine(bytes: Uint8Array, from: number): number {
  const { length } = bytes
  let at = from + 1
  while (at < length && bytes[at] !== LF && bytes[at] !== CR) at++
  return at - 1
}
