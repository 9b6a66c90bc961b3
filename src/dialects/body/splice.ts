/** What the caller's bytes from `at` to `end` are replaced by: the model's name when `text` is null. */
export interface Edit {
  readonly at: number
  readonly end: number
  readonly text: Uint8Array | null
}

/** Up to this size a body is copied into one piece, which is cheaper than sending several. */
export const JOINED_BYTES = 65_536
/** Names of models whose JSON is kept. */
const MAX_NAMES_KEPT = 1_024

const names = new Map<string, Uint8Array>()

/** A model's name as JSON. */
function nameAsJson(model: string): Uint8Array {
  const known = names.get(model)
  if (known !== undefined) return known
  const json = Buffer.from(JSON.stringify(model))
  if (names.size >= MAX_NAMES_KEPT) names.clear()
  names.set(model, json)
  return json
}

/** @param edits in order of their place, not overlapping */
export function splice(bytes: Buffer, edits: readonly Edit[], model: string): readonly Uint8Array[] {
  const name = nameAsJson(model)
  return bytes.length <= JOINED_BYTES ? [joined(bytes, edits, name)] : pieces(bytes, edits, name)
}

function joined(bytes: Buffer, edits: readonly Edit[], name: Uint8Array): Uint8Array {
  let size = bytes.length
  for (const { at, end, text } of edits) size += (text ?? name).length - (end - at)
  const whole = Buffer.allocUnsafe(size)
  let from = 0
  let to = 0
  for (const { at, end, text } of edits) {
    to += bytes.copy(whole, to, from, at)
    const put = text ?? name
    whole.set(put, to)
    to += put.length
    from = end
  }
  bytes.copy(whole, to, from)
  return whole
}

function pieces(bytes: Buffer, edits: readonly Edit[], name: Uint8Array): readonly Uint8Array[] {
  const found: Uint8Array[] = []
  let from = 0
  for (const { at, end, text } of edits) {
    if (at > from) found.push(bytes.subarray(from, at))
    found.push(text ?? name)
    from = end
  }
  found.push(bytes.subarray(from))
  return found
}
