/** What one frame of an event stream says. */
export interface Frame {
  readonly event: string | null
  /** The lines of data, joined; null when there are none, as in a comment. */
  readonly data: string | null
  /** Where the data begins in the frame's text when it is one line; -1 otherwise. */
  readonly dataAt: number
}

/** What a byte order mark looks like in Latin-1. */
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf'

/** Reads one frame, with or without the blank line at its end. Lines end in LF, CRLF or CR. */
export function readFrame(text: string): Frame {
  let event: string | null = null
  let data: string | null = null
  let dataAt = -1
  let lf = 0
  let cr = 0
  let at = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0
  while (at < text.length) {
    // Each is searched for anew only when it was passed, so that many short lines cost no more than one long one.
    if (lf <= at) lf = placeOf('\n', text, at)
    if (cr <= at) cr = placeOf('\r', text, at)
    const end = Math.min(lf, cr)
    const valueAt = fieldAt(text, at, end, 'data')
    if (valueAt >= 0) {
      const line = text.slice(valueAt, end)
      dataAt = data === null ? valueAt : -1
      data = data === null ? line : `${data}\n${line}`
    } else {
      const nameAt = fieldAt(text, at, end, 'event')
      if (nameAt >= 0) event = text.slice(nameAt, end)
    }
    at = end + (lf === end + 1 && cr === end ? 2 : 1)
  }
  return { event, data, dataAt }
}

/** Where this character comes next; the end of the text when it does not. */
function placeOf(character: string, text: string, from: number): number {
  const at = text.indexOf(character, from)
  return at < 0 ? text.length : at
}

/** Where the value of this field begins when the line has that field, else -1. */
function fieldAt(text: string, at: number, end: number, field: string): number {
  if (!text.startsWith(field, at)) return -1
  const colon = at + field.length
  if (colon === end) return end
  if (text[colon] !== ':') return -1
  return text[colon + 1] === ' ' && colon + 1 < end ? colon + 2 : colon + 1
}
