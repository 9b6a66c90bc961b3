import type { Tokens } from '../units/tokens.ts'

/*
 * What is said on the wire of a rehearsal: lengths instead of texts. A request is the number under which its prompt is
 * known; an answer is a frame for its first token and one for its end, which says what was used.
 */

const REQUEST_BYTES = 4
const END_BYTES = 8

/** Bytes of the frame that says that the first token is there. */
export const FIRST_TOKEN = new Uint8Array(1)

/** What an answer used, as its last frame says it. */
export interface Used {
  readonly cachedTokens: Tokens
  readonly outputTokens: Tokens
}

function put(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

function take(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

/** @param number below 2^32 */
export function requestBytes(number: number): Uint8Array {
  const bytes = new Uint8Array(REQUEST_BYTES)
  put(bytes, 0, number)
  return bytes
}

export function requestNumber(body: readonly Uint8Array[]): number {
  return take(body[0]!, 0)
}

export function endFrame({ cachedTokens, outputTokens }: Used): Uint8Array {
  const bytes = new Uint8Array(END_BYTES)
  put(bytes, 0, cachedTokens)
  put(bytes, 4, outputTokens)
  return bytes
}

/** What a frame says that was used; null for that of the first token. */
export function readFrame(frame: Uint8Array): Used | null {
  if (frame.length < END_BYTES) return null
  return { cachedTokens: take(frame, 0), outputTokens: take(frame, 4) }
}
